/** An axis of an analysis chart: where a cell stands on it, between 0 and 1, and what is written beside it. */

import { type AnalysisColumn, type AnalysisRow, type Cell, readCell } from "./analysis";
import { logTicks } from "./drawing";
import { formatNumber } from "./format";
import { padded, ticks } from "./scale";
import { extent } from "./statistics";

export interface Tick {
  at: number;
  label: string;
}

export interface Axis {
  column: AnalysisColumn;
  scale: "linear" | "log" | "category";
  /** Of a number axis: its ends in the column's unit. */
  domain: [number, number];
  /** Of a category axis: from its start to its end. */
  categories: readonly string[];
  ticks: readonly Tick[];
  /** Whether a value is above zero, as a logarithmic axis needs. */
  canLog: boolean;
}

/** More categories than this are drawn, but not all are named. */
const CATEGORY_LABELS_MAX = 24;
const TICKS = 5;

/** Texts in the order of their numbers where they have some, else by the alphabet. */
const COLLATOR = new Intl.Collator("en", { numeric: true });

function categoryAxis(column: AnalysisColumn, cells: readonly Cell[]): Axis {
  const categories = [...new Set(cells.flatMap((cell) => (cell.kind === "text" ? [cell.value] : [])))].sort(
    COLLATOR.compare,
  );
  const every = Math.ceil(categories.length / CATEGORY_LABELS_MAX);
  return {
    column,
    scale: "category",
    domain: [0, 1],
    categories,
    canLog: false,
    ticks: categories.flatMap((label, i) =>
      i % every === 0 ? [{ at: categoryAt(i, categories.length), label }] : [],
    ),
  };
}

function categoryAt(index: number, count: number): number {
  return (index + 0.5) / Math.max(1, count);
}

function logDomain(low: number, high: number, pad: number): [number, number] {
  if (low === high) return [low / 2, high * 2];
  const room = (high / low) ** pad;
  return [low / room, high * room];
}

/** The axis over the rows. A logarithm is only taken where a value is above zero. */
export function buildAxis(
  column: AnalysisColumn,
  rows: readonly AnalysisRow[],
  options: { log?: boolean; pad?: number } = {},
): Axis {
  const cells = rows.map((row) => readCell(row.values[column.id], column.numeric));
  if (!column.numeric) return categoryAxis(column, cells);
  const { log = false, pad = 0 } = options;
  const values = cells.flatMap((cell) => (cell.kind === "number" ? [cell.value] : []));
  const canLog = values.some((value) => value > 0);
  if (log && canLog) {
    const [low, high] = extent(values.filter((value) => value > 0)) ?? [1, 10];
    const domain = logDomain(low, high, pad);
    const axis: Axis = { column, scale: "log", domain, categories: [], ticks: [], canLog };
    return { ...axis, ticks: named(axis, logTicks(...domain)) };
  }
  const found = extent(values) ?? [0, 1];
  const domain = found[0] === found[1] ? padded(found) : padded(found, pad);
  const axis: Axis = { column, scale: "linear", domain, categories: [], ticks: [], canLog };
  return { ...axis, ticks: named(axis, ticks(domain, TICKS)) };
}

function named(axis: Axis, values: readonly number[]): Tick[] {
  return values.map((value) => ({ at: numberAt(axis, value) ?? 0, label: formatNumber(value, 3) }));
}

/** Where a number stands; undefined where the axis has no place for it. */
export function numberAt(axis: Axis, value: number): number | undefined {
  const [low, high] = axis.domain;
  if (axis.scale === "log") {
    return value > 0 ? Math.log(value / low) / Math.log(high / low) : undefined;
  }
  return (value - low) / (high - low || 1);
}

/** Where a cell stands; undefined where it has no place. */
export function placeOf(axis: Axis, cell: Cell): number | undefined {
  if (cell.kind === "number") return axis.scale === "category" ? undefined : numberAt(axis, cell.value);
  if (cell.kind === "missing" || axis.scale !== "category") return undefined;
  const index = axis.categories.indexOf(cell.value);
  return index < 0 ? undefined : categoryAt(index, axis.categories.length);
}

/** The places of all rows, in their order. */
export function placesOf(axis: Axis, rows: readonly AnalysisRow[]): (number | undefined)[] {
  const index = new Map(axis.categories.map((name, i) => [name, categoryAt(i, axis.categories.length)]));
  return rows.map((row) => {
    const cell = readCell(row.values[axis.column.id], axis.column.numeric);
    return cell.kind === "text" ? index.get(cell.value) : placeOf(axis, cell);
  });
}

/** The number at a place of a number axis. */
export function valueAt(axis: Axis, at: number): number {
  const [low, high] = axis.domain;
  return axis.scale === "log" ? low * (high / low) ** at : low + (high - low) * at;
}

/** A cell as a reader says it. */
export function cellText(cell: Cell): string {
  switch (cell.kind) {
    case "number":
      return formatNumber(cell.value);
    case "text":
      return cell.value;
    case "missing":
      return cell.why;
  }
}
