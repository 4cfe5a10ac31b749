/** Series of several runs, brought onto one axis for drawing. */

import { type ApiNumber, toFloat } from "./number";
import { smooth } from "./smoothing";

/** The hub's axes: steps, milliseconds since the run started, milliseconds since 1970. */
export const AXES = ["step", "relative", "wall"] as const;
export type XAxis = (typeof AXES)[number];

export function readAxis(value: unknown): XAxis {
  if (value === "time") return "relative";
  return AXES.find((axis) => axis === value) ?? "step";
}

/** A series as the API sends it. */
export interface RawSeries {
  run: string;
  steps: readonly number[];
  times_ms: readonly number[];
  values: readonly ApiNumber[];
  /** When the run started; the first time where the hub does not say. */
  origin_ms?: number | undefined;
  /** Whether every point is here; otherwise each part of the axis has its first, last, least and greatest. */
  exact: boolean;
}

export type Values = (number | null | undefined)[];

/** A column over the x axis. `undefined`: no point there; `null`: a value that is not finite. */
export interface Column {
  /** Which series it is of. */
  series: number;
  /** The curve, the curve before smoothing, or an edge of what reduction left out. */
  role: "line" | "faint" | "low" | "high";
  values: Values;
}

export type NonFinite = "nan" | "inf" | "-inf";

/** Where a value was not finite. */
export interface Mark {
  x: number;
  series: number;
  what: NonFinite;
}

export interface Aligned {
  x: number[];
  columns: Column[];
  marks: Mark[];
}

interface Point {
  x: number;
  value: number;
}

/** Points of one series in the order they were logged. */
function points(series: RawSeries, axis: XAxis): Point[] {
  const { steps, times_ms, values } = series;
  const origin = series.origin_ms ?? times_ms.reduce((low, t) => Math.min(low, t), Number.POSITIVE_INFINITY);
  const at = (i: number) => {
    if (axis === "step") return steps[i] ?? 0;
    return axis === "wall" ? (times_ms[i] ?? 0) : (times_ms[i] ?? 0) - origin;
  };
  return values.map((value, i) => ({ x: at(i), value: toFloat(value) ?? Number.NaN }));
}

/** By x, the last one logged winning where x repeats. */
function ordered(list: readonly Point[]): Point[] {
  const sorted = [...list].sort((a, b) => a.x - b.x);
  return sorted.filter((point, i) => sorted[i + 1]?.x !== point.x);
}

function whatOf(value: number): NonFinite {
  if (Number.isNaN(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

/** A finite value, or a gap. */
function drawable(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

interface Part {
  x: number;
  line: number;
  low: number;
  high: number;
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] ?? Number.NaN) + (sorted[Math.ceil(at)] ?? Number.NaN)) / 2;
}

/**
 * The parts of the axis that have points: the extremes of each, and the median of its points.
 * The hub's own parts may begin elsewhere, so the last point of a part of ours is often an extreme.
 */
function envelope(list: readonly Point[], range: readonly [number, number], parts: number): Part[] {
  const width = (range[1] - range[0]) / parts || 1;
  const found = new Map<number, number[]>();
  for (const { x, value } of list) {
    const at = Math.min(parts - 1, Math.max(0, Math.floor((x - range[0]) / width)));
    const part = found.get(at) ?? [];
    found.set(at, part);
    if (Number.isFinite(value)) part.push(value);
  }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([at, values]) => ({
      x: range[0] + (at + 0.5) * width,
      line: middle(values),
      low: values.length > 0 ? Math.min(...values) : Number.NaN,
      high: values.length > 0 ? Math.max(...values) : Number.NaN,
    }));
}

/** What one series draws: columns of its own, each with its own x. */
interface Curve {
  role: Column["role"];
  series: number;
  points: Point[];
}

function curves(lists: readonly Point[][], series: readonly RawSeries[], parts: number): Curve[] {
  const reduced = lists.filter((_, i) => !series[i]?.exact).flat();
  const range: [number, number] = [
    reduced.reduce((low, p) => Math.min(low, p.x), Number.POSITIVE_INFINITY),
    reduced.reduce((high, p) => Math.max(high, p.x), Number.NEGATIVE_INFINITY),
  ];
  return lists.flatMap((list, i): Curve[] => {
    if (series[i]?.exact) return [{ role: "line", series: i, points: ordered(list) }];
    const found = envelope(list, range, parts);
    const curve = (role: "line" | "low" | "high"): Curve => ({
      role,
      series: i,
      points: found.map((part) => ({ x: part.x, value: part[role] })),
    });
    return [curve("high"), curve("low"), curve("line")];
  });
}

/**
 * Merges series onto the union of their x values. A series that came whole is a line; of a
 * reduced one the axis is cut into `parts`, and its line runs between the extremes of each.
 */
export function align(series: readonly RawSeries[], axis: XAxis, parts: number): Aligned {
  const lists = series.map((one) => points(one, axis));
  const drawn = curves(lists, series, Math.max(1, parts));
  const x = [...new Set(drawn.flatMap((curve) => curve.points.map((p) => p.x)))].sort((a, b) => a - b);
  const position = new Map(x.map((value, index) => [value, index]));
  const columns = drawn.map(({ role, series: of, points: own }): Column => {
    const values: Values = new Array<number | null | undefined>(x.length).fill(undefined);
    for (const point of own) values[position.get(point.x) ?? 0] = drawable(point.value);
    return { role, series: of, values };
  });
  const marks = lists.flatMap((list, i) =>
    list
      .filter((point) => !Number.isFinite(point.value))
      .map((point): Mark => ({ x: point.x, series: i, what: whatOf(point.value) })),
  );
  return { x, columns, marks };
}

/** Every line smoothed; a line that came whole stays, faint, behind its smooth one. */
export function smoothed(aligned: Aligned, weight: number): Aligned {
  if (weight <= 0) return aligned;
  const reduced = new Set(aligned.columns.filter((one) => one.role === "low").map((one) => one.series));
  const columns = aligned.columns.flatMap((column): Column[] => {
    if (column.role !== "line") return [column];
    const soft: Column = { ...column, values: smooth(column.values, weight) };
    return reduced.has(column.series) ? [soft] : [{ ...column, role: "faint" }, soft];
  });
  return { ...aligned, columns };
}

/** Values a logarithmic axis cannot show become gaps. */
export function positiveOnly(aligned: Aligned): Aligned {
  const columns = aligned.columns.map((column) => ({
    ...column,
    values: column.values.map((value) => (typeof value === "number" && value <= 0 ? null : value)),
  }));
  return { ...aligned, columns };
}

/** Share of a range that is asked for beyond it, so that curves run on to the edge. */
const MARGIN = 0.02;

/** Whole coordinates that cover a range of the x axis, for asking the hub again. */
export function asked(range: readonly [number, number]): [number, number] {
  const margin = (range[1] - range[0]) * MARGIN;
  return [Math.floor(range[0] - margin), Math.ceil(range[1] + margin)];
}
