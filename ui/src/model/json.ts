/** Free-form JSON of the API (snapshots, inspections, schemas), read without trusting its shape. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Any decoded JSON value. */
export function asJson(value: unknown): Json {
  return (value ?? null) as Json;
}

/** The value as an object; an empty one when it is none. */
export function asObject(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** The value as a list; an empty one when it is none. */
export function asArray(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** The value as text, when it is text. */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The value as a number, when it is one. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  return undefined;
}

/** Numbers of a list; anything else becomes NaN so that positions stay. */
export function asNumbers(value: unknown): number[] {
  return asArray(value).map((item) => asNumber(item) ?? Number.NaN);
}

/** Whether there is nothing to show. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** A value on one line: text bare, the rest as JSON. */
export function inline(value: Json | undefined): string {
  if (value === undefined) return "–";
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}

const TREE_DEPTH_MAX = 32;

/** Leaves by dotted path. Lists without objects and empty objects are leaves. */
export function leaves(value: Json, path = "", depth = 0): { path: string; value: Json }[] {
  const join = (key: string) => (path === "" ? key : `${path}.${key}`);
  if (depth < TREE_DEPTH_MAX && value !== null && typeof value === "object") {
    if (Array.isArray(value)) {
      if (value.some((item) => item !== null && typeof item === "object")) {
        return value.flatMap((item, index) => leaves(item, join(String(index)), depth + 1));
      }
    } else if (Object.keys(value).length > 0) {
      return Object.entries(value).flatMap(([key, item]) => leaves(item, join(key), depth + 1));
    }
  }
  return [{ path, value }];
}
