/** Requests to the hub: JSON in and out, problem documents as errors. Knows no route. */

export const API = "/api/v1";

/** An answer that is not a success, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  /** Machine-readable details of the problem, as they came. */
  readonly details: unknown;

  constructor(status: number, message: string, details?: unknown) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.details = details;
  }
}

async function problem(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const body: unknown = await response.json();
    if (typeof body === "object" && body !== null) {
      const { detail, title, details } = body as { detail?: unknown; title?: unknown; details?: unknown };
      if (typeof detail === "string" && detail !== "") return new ApiError(status, detail, details);
      if (typeof title === "string" && title !== "") return new ApiError(status, title, details);
    }
  } catch {
    // Not JSON: a proxy answered instead of the hub; its status still says something.
  }
  return new ApiError(status, `The hub answered ${status} ${response.statusText}`.trim());
}

/** The response when it is a success. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`${API}${path}`, init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "The hub does not answer. Is `mlhub serve` still running?");
  }
  if (!response.ok) throw await problem(response);
  return response;
}

/** Decoded JSON of a GET. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, { signal: signal ?? null, headers: { accept: "application/json" } });
  return (await response.json()) as T;
}

/** Decoded JSON of a POST. */
export function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return sendJson<T>("POST", path, body, signal);
}

/** Decoded JSON of a PATCH. */
export function patch<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return sendJson<T>("PATCH", path, body, signal);
}

/** Decoded JSON of a PUT. */
export function put<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return sendJson<T>("PUT", path, body, signal);
}

/** A DELETE, whose answer has no content. */
export async function remove(path: string): Promise<void> {
  await send(path, { method: "DELETE" });
}

async function sendJson<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send(path, {
    method,
    signal: signal ?? null,
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

/** `?a=1&b=2` of what is set; empty text when nothing is. */
export function query(params: Record<string, string | number | undefined | null>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}
