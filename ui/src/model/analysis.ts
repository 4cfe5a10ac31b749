/** Runs as rows of an analysis chart: their cells read, and which columns can be drawn how. */

import { type ApiNumber, toFloat } from "./number";

export type AnalysisValue = ApiNumber | string | null;

export interface AnalysisRow {
  id: string;
  name: string;
  /** Index in the palette. */
  color: number;
  values: Readonly<Record<string, AnalysisValue>>;
  /** Its seed group; rows of one group are repetitions of the same experiment. */
  group?: string | undefined;
  /** Intervals of its values where the hub computed some, by column. */
  intervals?: Readonly<Record<string, { low: number; high: number }>>;
}

export interface AnalysisColumn {
  /** An operand of the query language. */
  id: string;
  label: string;
  numeric: boolean;
}

/** What stands in a cell. A number that cannot be drawn says why. */
export type Cell =
  | { kind: "number"; value: number }
  | { kind: "text"; value: string }
  | { kind: "missing"; why: "no value" | "NaN" | "∞" | "−∞" };

const MISSING: Cell = { kind: "missing", why: "no value" };

/** A float of a text that is nothing but one; params come as texts. */
function numberIn(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const known = toFloat(trimmed);
  if (known !== undefined) return known;
  const value = Number(trimmed);
  return Number.isNaN(value) ? undefined : value;
}

function ofFloat(value: number): Cell {
  if (Number.isFinite(value)) return { kind: "number", value };
  if (Number.isNaN(value)) return { kind: "missing", why: "NaN" };
  return { kind: "missing", why: value > 0 ? "∞" : "−∞" };
}

/** The cell as a number or, of a column of categories, as a text. */
export function readCell(value: AnalysisValue | undefined, numeric: boolean): Cell {
  if (value === null || value === undefined) return MISSING;
  if (typeof value === "number") return numeric ? ofFloat(value) : { kind: "text", value: String(value) };
  if (!numeric) return { kind: "text", value };
  const found = numberIn(value);
  return found === undefined ? MISSING : ofFloat(found);
}

/** Whether a column is drawn as numbers: it says so, or all of its texts are numbers. */
export function isNumeric(column: AnalysisColumn, rows: readonly AnalysisRow[]): boolean {
  if (column.numeric) return true;
  let found = false;
  for (const row of rows) {
    const value = row.values[column.id];
    if (value === null || value === undefined) continue;
    if (typeof value !== "number" && numberIn(value) === undefined) return false;
    found = true;
  }
  return found;
}

/** The columns with `numeric` as it is drawn. */
export function typedColumns(
  columns: readonly AnalysisColumn[],
  rows: readonly AnalysisRow[],
): AnalysisColumn[] {
  return columns.map((column) => ({ ...column, numeric: isNumeric(column, rows) }));
}

/** How many different values a column has, counted up to `limit`. */
export function variety(rows: readonly AnalysisRow[], column: string, limit = 1000): number {
  const seen = new Set<AnalysisValue>();
  for (const row of rows) {
    const value = row.values[column];
    if (value !== null && value !== undefined) seen.add(value);
    if (seen.size >= limit) break;
  }
  return seen.size;
}

/** In words what a chart leaves out; undefined when it is nothing. */
export function missingText(cells: readonly Cell[]): string | undefined {
  const counts = new Map<string, number>();
  for (const cell of cells) {
    if (cell.kind === "missing") counts.set(cell.why, (counts.get(cell.why) ?? 0) + 1);
  }
  if (counts.size === 0) return undefined;
  return [...counts].map(([why, count]) => `${count} ${why}`).join(", ");
}
