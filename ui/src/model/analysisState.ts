/** What a reader chose in the analysis panel, as JSON: kept in addresses, saved views and reports. */

import { type AnalysisColumn, type AnalysisRow, readCell, variety } from "./analysis";
import { type Brushes, readBrushes } from "./brush";
import { asArray, asObject, asText } from "./json";
import type { Wish } from "./pareto";
import { extent } from "./statistics";

export type AnalysisKind = "parallel" | "scatter" | "bars";
export const ANALYSIS_KINDS: readonly AnalysisKind[] = ["parallel", "scatter", "bars"];

export interface ParallelState {
  axes: readonly string[];
  log: readonly string[];
  /** The column that colours the lines; null: each run has its own colour. */
  color: string | null;
  brushes: Brushes;
}

export interface ScatterState {
  x: string | null;
  y: string | null;
  color: string | null;
  size: string | null;
  logX: boolean;
  logY: boolean;
  /** Directions of a Pareto front; null: none is drawn. */
  front: { x: Wish; y: Wish } | null;
  regression: boolean;
}

export interface BarsState {
  value: string | null;
  by: "runs" | "groups";
  mark: "bars" | "dots";
  order: "descending" | "ascending" | "given";
}

export interface AnalysisState {
  version: 1;
  kind: AnalysisKind;
  parallel: ParallelState;
  scatter: ScatterState;
  bars: BarsState;
}

/** Axes shown before the reader chose any. */
const AXES_DEFAULT = 6;
/** A column of positive values that spans more than this factor starts logarithmic. */
const LOG_FACTOR = 300;
/** What most readers look for first. */
const TELLING = /(acc|accuracy|f1|auroc|auc|loss|rmse|mae|r2)\b/i;
/** Axes drawn at most: each costs a line segment per run. */
export const AXES_MAX = 16;

interface Suggestion {
  inputs: string[];
  outputs: string[];
}

/** Columns that tell the rows apart: what was set, and what came out. */
function suggested(columns: readonly AnalysisColumn[], rows: readonly AnalysisRow[]): Suggestion {
  const telling = columns.filter((column) => variety(rows, column.id, 2) > 1);
  const ids = (found: readonly AnalysisColumn[]) => found.map((column) => column.id);
  const isOutput = (column: AnalysisColumn) => column.numeric && /^(eval|metrics)\b/.test(column.id);
  const usable = (column: AnalysisColumn) =>
    column.numeric || variety(rows, column.id, rows.length) < Math.max(3, rows.length / 2);
  const rank = (column: AnalysisColumn) =>
    (column.id.startsWith("eval") ? 0 : 2) + (TELLING.test(column.label) ? 0 : 1);
  const outputs = telling.filter(isOutput).sort((a, b) => rank(a) - rank(b));
  const inputs = telling.filter((column) => /^params\b/.test(column.id) && usable(column));
  return { inputs: ids(inputs), outputs: ids(outputs) };
}

/** Whether the values are read better on a logarithmic axis. */
function spansDecades(id: string, rows: readonly AnalysisRow[]): boolean {
  const values = rows.flatMap((row) => {
    const cell = readCell(row.values[id], true);
    return cell.kind === "number" ? [cell.value] : [];
  });
  const [low, high] = extent(values) ?? [0, 0];
  return low > 0 && high / low > LOG_FACTOR;
}

/** What is shown first: the params that differ, then the first metrics. */
export function defaultState(
  columns: readonly AnalysisColumn[],
  rows: readonly AnalysisRow[],
): AnalysisState {
  const { inputs, outputs } = suggested(columns, rows);
  const numeric = columns.filter((column) => column.numeric).map((column) => column.id);
  const numericInput = inputs.find((id) => numeric.includes(id));
  const value = outputs[0] ?? numeric[0] ?? null;
  const ends = outputs.slice(0, 2);
  const axes = [...inputs.slice(0, AXES_DEFAULT - ends.length), ...ends];
  const log = axes.filter((id) => numeric.includes(id) && spansDecades(id, rows));
  const x = numericInput ?? outputs[1] ?? numeric.find((id) => id !== value) ?? value;
  const grouped = rows.some((row) => row.group !== undefined);
  return {
    version: 1,
    kind: "parallel",
    parallel: { axes: axes.length > 0 ? axes : numeric.slice(0, 3), log, color: value, brushes: {} },
    scatter: {
      x,
      y: value,
      color: null,
      size: null,
      logX: x !== null && log.includes(x),
      logY: false,
      front: null,
      regression: false,
    },
    bars: { value, by: grouped ? "groups" : "runs", mark: "dots", order: "descending" },
  };
}

function oneOf<T extends string>(value: unknown, known: readonly T[], otherwise: T): T {
  return known.find((one) => one === value) ?? otherwise;
}

function texts(value: unknown): string[] {
  return asArray(value).flatMap((one) => asText(one) ?? []);
}

const WISHES: readonly Wish[] = ["maximize", "minimize"];

function readFront(value: unknown): ScatterState["front"] {
  if (typeof value !== "object" || value === null) return null;
  const { x, y } = asObject(value);
  return { x: oneOf(x, WISHES, "maximize"), y: oneOf(y, WISHES, "maximize") };
}

/** A column that is named; absent and unknown shapes are the default, null stays null. */
function column(value: unknown, otherwise: string | null): string | null {
  return value === null ? null : (asText(value) ?? otherwise);
}

/** Reads a state without trusting its shape; what it does not say is chosen from the rows. */
export function readAnalysisState(
  value: unknown,
  columns: readonly AnalysisColumn[],
  rows: readonly AnalysisRow[],
): AnalysisState {
  const start = defaultState(columns, rows);
  const body = asObject(value);
  if (body.version !== 1) return start;
  const parallel = asObject(body.parallel);
  const scatter = asObject(body.scatter);
  const bars = asObject(body.bars);
  const axes = Array.isArray(parallel.axes) ? [...new Set(texts(parallel.axes))] : start.parallel.axes;
  return {
    version: 1,
    kind: oneOf(body.kind, ANALYSIS_KINDS, start.kind),
    parallel: {
      axes: axes.slice(0, AXES_MAX),
      log: texts(parallel.log),
      color: column(parallel.color, start.parallel.color),
      brushes: readBrushes(parallel.brushes),
    },
    scatter: {
      x: column(scatter.x, start.scatter.x),
      y: column(scatter.y, start.scatter.y),
      color: column(scatter.color, null),
      size: column(scatter.size, null),
      logX: scatter.logX === true,
      logY: scatter.logY === true,
      front: readFront(scatter.front),
      regression: scatter.regression === true,
    },
    bars: {
      value: column(bars.value, start.bars.value),
      by: oneOf(bars.by, ["runs", "groups"], start.bars.by),
      mark: oneOf(bars.mark, ["bars", "dots"], start.bars.mark),
      order: oneOf(bars.order, ["descending", "ascending", "given"], start.bars.order),
    },
  };
}

/** The list with one entry moved by some places; the same where it cannot. */
export function moved(list: readonly string[], id: string, by: number): string[] {
  const from = list.indexOf(id);
  const to = from + by;
  if (from < 0 || to < 0 || to >= list.length) return [...list];
  const next = list.filter((one) => one !== id);
  next.splice(to, 0, id);
  return next;
}
