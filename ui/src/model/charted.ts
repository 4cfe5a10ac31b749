/** Which runs of the table are drawn in the charts: the first ones, and what the eyes say. */

import { hashText } from "./colors";

/** Runs in the charts at most. */
export const CHARTED_MAX = 200;
/** Groups in the charts at most; each is a mean and a band over its runs. */
export const CHARTED_GROUPS_MAX = 20;
export const TOP_DEFAULT = 10;
export const TOP_CHOICES: readonly number[] = [0, 5, 10, 20, 50, 100, 200];

/** What the address calls a group: short, and the same for the same runs. */
export function groupKey(group: { query: string }): string {
  return `g${hashText(group.query).toString(36)}`;
}

export interface Eyes {
  /** How many of the first rows are charted. */
  top: number;
  on: ReadonlySet<string>;
  off: ReadonlySet<string>;
}

export function readTop(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const top = Number(value);
  return Number.isInteger(top) && top >= 0 && top <= CHARTED_MAX && top !== TOP_DEFAULT ? top : undefined;
}

function names(list: string | undefined): Set<string> {
  return new Set((list ?? "").split(",").filter(Boolean));
}

export function readEyes(search: { top?: number; on?: string; off?: string }): Eyes {
  return { top: search.top ?? TOP_DEFAULT, on: names(search.on), off: names(search.off) };
}

/** Whether the row at a place (undefined: not among the first) has its eye open. */
export function isOpen(eyes: Eyes, key: string, at: number | undefined): boolean {
  if (eyes.on.has(key)) return true;
  return at !== undefined && at < eyes.top && !eyes.off.has(key);
}

/** What the address says after an eye was opened or closed; nothing is kept that says nothing. */
export function withEye(
  eyes: Eyes,
  key: string,
  at: number | undefined,
  open: boolean,
): { on: string | undefined; off: string | undefined } {
  const on = new Set(eyes.on);
  const off = new Set(eyes.off);
  const first = at !== undefined && at < eyes.top;
  on.delete(key);
  off.delete(key);
  if (open && !first) on.add(key);
  if (!open && first) off.add(key);
  return { on: [...on].join(",") || undefined, off: [...off].join(",") || undefined };
}

/** Only these, and no others. */
export function onlyThese(keys: readonly string[]): { top: number; on: string | undefined; off: undefined } {
  return { top: 0, on: keys.slice(0, CHARTED_MAX).join(",") || undefined, off: undefined };
}

export interface Charted<T> {
  rows: T[];
  /** Open eyes whose rows are not drawn, because there are too many. */
  left: number;
}

/** The rows that are drawn: first ones that are open, then those opened by hand, without repeats. */
export function charted<T>(
  eyes: Eyes,
  first: readonly T[],
  others: readonly T[],
  keyOf: (row: T) => string,
  max: number,
): Charted<T> {
  const open = new Map<string, T>();
  for (const [at, row] of first.slice(0, eyes.top).entries()) {
    if (isOpen(eyes, keyOf(row), at)) open.set(keyOf(row), row);
  }
  for (const row of [...first, ...others]) if (eyes.on.has(keyOf(row))) open.set(keyOf(row), row);
  const rows = [...open.values()];
  return { rows: rows.slice(0, max), left: Math.max(0, rows.length - max) };
}
