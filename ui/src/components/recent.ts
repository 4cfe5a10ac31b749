/** Pages visited last, kept in this browser; the command palette starts with them. */

import { readStored, writeStored } from "./storage";

export interface Visit {
  path: string;
  title: string;
}

const STORAGE_KEY = "mlhub.recent";
const VISITS_MAX = 12;

function readVisits(stored: string | null): Visit[] {
  try {
    const body: unknown = JSON.parse(stored ?? "[]");
    if (!Array.isArray(body)) return [];
    return body.filter(
      (one): one is Visit =>
        typeof one?.path === "string" && one.path.startsWith("/") && typeof one?.title === "string",
    );
  } catch {
    return [];
  }
}

export function recentVisits(): Visit[] {
  return readVisits(readStored(STORAGE_KEY));
}

export function rememberVisit(path: string, title: string): void {
  const rest = recentVisits().filter((visit) => visit.path !== path);
  writeStored(STORAGE_KEY, JSON.stringify([{ path, title }, ...rest].slice(0, VISITS_MAX)));
}
