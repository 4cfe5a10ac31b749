/** Mistakes in a query as the hub tells them, and what can be done about them. */

/** `details` of the problem document; positions count characters, not UTF-16 units. */
export interface QueryMistake {
  field: string;
  message: string;
  hint?: string | null | undefined;
  position: number;
  length: number;
}

/** Reads the details of a problem; undefined when they tell of no mistake in a query. */
export function readMistake(details: unknown): QueryMistake | undefined {
  if (typeof details !== "object" || details === null) return undefined;
  const { field, message, hint, position, length } = details as Partial<QueryMistake>;
  if (typeof field !== "string" || typeof message !== "string") return undefined;
  if (typeof position !== "number" || typeof length !== "number") return undefined;
  return { field, message, hint: typeof hint === "string" ? hint : undefined, position, length };
}

/** The mistake in the reader's own text, when something was put before it. */
export function shifted(mistake: QueryMistake, shift: number, text: string): QueryMistake {
  const end = Math.max(0, [...text].length);
  const position = Math.min(Math.max(0, mistake.position - shift), end);
  return { ...mistake, position };
}

/** The UTF-16 range of characters `position` to `position + length`, for selections. */
export function unitRange(text: string, position: number, length: number): [number, number] {
  const characters = [...text];
  const units = (count: number) => characters.slice(0, count).join("").length;
  return [units(position), units(position + length)];
}

/** Characters shown before and after the place. */
const CONTEXT = 48;

/** The text around a place, cut into what stands before it, at it and after it. */
export function around(text: string, position: number, length: number): [string, string, string] {
  const characters = [...text].map((one) => (/\s/.test(one) ? " " : one));
  const from = Math.max(0, position - CONTEXT);
  const end = position + Math.max(1, length);
  return [
    `${from > 0 ? "…" : ""}${characters.slice(from, position).join("")}`,
    characters.slice(position, end).join("") || " ",
    `${characters.slice(end, end + CONTEXT).join("")}${characters.length > end + CONTEXT ? "…" : ""}`,
  ];
}

/** What the hub thinks was meant, when its hint names it. */
export function meant(hint: string | null | undefined): string | undefined {
  return /^did you mean `([^`]+)`\??$/.exec(hint ?? "")?.[1];
}

/** The text with a place of it replaced. */
export function replaced(text: string, position: number, length: number, by: string): string {
  const [from, to] = unitRange(text, position, length);
  return `${text.slice(0, from)}${by}${text.slice(to)}`;
}
