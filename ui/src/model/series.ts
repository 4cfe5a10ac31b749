/** Series as the hub sends them, turned into curves on one axis for drawing. */

import { smooth } from "./smoothing";

/** The hub's axes: steps, milliseconds since the run started, milliseconds since 1970. */
export const AXES = ["step", "relative", "wall"] as const;
export type XAxis = (typeof AXES)[number];

export function readAxis(value: unknown): XAxis {
  if (value === "time") return "relative";
  return AXES.find((axis) => axis === value) ?? "step";
}

/** A series as the API sends it, packed. */
export interface RawSeries {
  run: string;
  metric: string;
  steps: Float64Array;
  times_ms: Float64Array;
  /** NaN and infinities as they are. */
  values: Float64Array;
  /** When the run started; the first time where the hub does not say. */
  origin_ms?: number | undefined;
  /** Whether every point is here; otherwise each part of the axis has its first, last, least and greatest. */
  exact: boolean;
  /** Points in the range before reduction. */
  total: number;
  non_finite?: number | undefined;
}

export type NonFinite = "nan" | "inf" | "-inf";

/** Where a value was not finite. */
export interface Mark {
  x: number;
  what: NonFinite;
}

/** What is drawn of one series or one group. Arrays are of one length; NaN in them is a gap. */
export interface Curve {
  x: Float64Array;
  /** The line. Of a reduced series the median of each part of the axis. */
  y: Float64Array;
  /** Edges of the band: the extremes of each part, or the spread over a group. */
  low?: Float64Array;
  high?: Float64Array;
  /** The line before smoothing. */
  raw?: Float64Array;
  /** Of a group: how many runs are in the mean there. */
  counts?: Uint16Array;
  /** Of a group: 1 where a value between two points of a run entered the mean. */
  between?: Uint8Array;
  marks: readonly Mark[];
  /** Whether every point logged in the range is behind it. */
  exact: boolean;
}

/** The range a reduced series is cut over, and into how many parts. */
export interface Grid {
  from: number;
  to: number;
  parts: number;
}

function coordinates(series: RawSeries, axis: XAxis): Float64Array {
  const { steps, times_ms } = series;
  if (axis === "step") return steps;
  if (axis === "wall") return times_ms;
  const origin = series.origin_ms ?? times_ms.reduce((low, t) => Math.min(low, t), Number.POSITIVE_INFINITY);
  return times_ms.map((time) => time - origin);
}

function isAscending(x: Float64Array): boolean {
  for (let i = 1; i < x.length; i += 1) if ((x[i] as number) <= (x[i - 1] as number)) return false;
  return true;
}

/** By x, the last one logged winning where x repeats. */
function ordered(x: Float64Array, y: Float64Array): [Float64Array, Float64Array] {
  if (isAscending(x)) return [x, y];
  const order = Array.from(x, (_, i) => i).sort((a, b) => (x[a] as number) - (x[b] as number) || a - b);
  const kept = order.filter((at, i) => x[order[i + 1] ?? -1] !== x[at]);
  return [Float64Array.from(kept, (at) => x[at] as number), Float64Array.from(kept, (at) => y[at] as number)];
}

function whatOf(value: number): NonFinite {
  if (Number.isNaN(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

function marksOf(x: Float64Array, y: Float64Array): Mark[] {
  const marks: Mark[] = [];
  for (let i = 0; i < y.length; i += 1) {
    const value = y[i] as number;
    if (!Number.isFinite(value)) marks.push({ x: x[i] as number, what: whatOf(value) });
  }
  return marks;
}

/** Places by ascending x; undefined where they are so already. */
function inOrder(x: Float64Array): Uint32Array | undefined {
  let ascending = true;
  for (let i = 1; ascending && i < x.length; i += 1) ascending = (x[i] as number) >= (x[i - 1] as number);
  if (ascending) return undefined;
  return Uint32Array.from(x, (_, i) => i).sort((a, b) => (x[a] as number) - (x[b] as number) || a - b);
}

function middle(sorted: Float64Array): number {
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] ?? Number.NaN) + (sorted[Math.ceil(at)] ?? Number.NaN)) / 2;
}

/**
 * The parts of the axis that have points: the extremes of each, and the median of its points.
 * The hub's own parts may begin elsewhere, so the last point of a part of ours is often an extreme.
 */
function envelope(
  x: Float64Array,
  y: Float64Array,
  grid: Grid,
): Pick<Curve, "x" | "y"> & { low: Float64Array; high: Float64Array } {
  const parts = Math.max(1, grid.parts);
  const width = (grid.to - grid.from) / parts || 1;
  const partOf = (place: number) => Math.min(parts - 1, Math.max(0, Math.floor((place - grid.from) / width)));
  const order = inOrder(x);
  const at = (i: number) => order?.[i] ?? i;
  const columns = Array.from({ length: 4 }, () => new Float64Array(Math.min(parts, x.length)));
  const [places, middles, lows, highs] = columns as [Float64Array, Float64Array, Float64Array, Float64Array];
  const values = new Float64Array(x.length);
  let found = 0;
  for (let i = 0; i < x.length; ) {
    const part = partOf(x[at(i)] as number);
    let count = 0;
    for (; i < x.length && partOf(x[at(i)] as number) === part; i += 1) {
      const value = y[at(i)] as number;
      if (Number.isFinite(value)) values[count++] = value;
    }
    const sorted = values.subarray(0, count).sort();
    places[found] = grid.from + (part + 0.5) * width;
    middles[found] = middle(sorted);
    lows[found] = sorted[0] ?? Number.NaN;
    highs[found] = sorted[count - 1] ?? Number.NaN;
    found += 1;
  }
  const kept = (column: Float64Array) => column.subarray(0, found);
  return { x: kept(places), y: kept(middles), low: kept(lows), high: kept(highs) };
}

function curveOf(series: RawSeries, axis: XAxis, grid: Grid): Curve {
  const places = coordinates(series, axis);
  const marks = marksOf(places, series.values);
  if (!series.exact) return { ...envelope(places, series.values, grid), marks, exact: false };
  const [x, y] = ordered(places, series.values);
  // What was fetched stays as it is.
  const line = marks.length > 0 ? y.map((value) => (Number.isFinite(value) ? value : Number.NaN)) : y;
  return { x, y: line, marks, exact: true };
}

/** Where all reduced series lie, so that their parts are the same. */
function gridOf(series: readonly RawSeries[], axis: XAxis, parts: number): Grid {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const one of series) {
    if (one.exact) continue;
    for (const x of coordinates(one, axis)) {
      if (x < from) from = x;
      if (x > to) to = x;
    }
  }
  return { from, to, parts };
}

/**
 * One curve per series. A series that came whole is a line; of a reduced one the axis is cut
 * into `parts`, and its line runs between the extremes of each.
 */
export function curvesOf(series: readonly RawSeries[], axis: XAxis, parts: number): Curve[] {
  const grid = gridOf(series, axis, parts);
  return series.map((one) => curveOf(one, axis, grid));
}

/** Parts of the view a smoothing weight counts in where more points than that are in it. */
const VIEW_PARTS = 1000;

/** Every line smoothed; the line before stays behind it, or the band where the series is reduced. */
export function smoothed(curves: readonly Curve[], weight: number): Curve[] {
  if (weight <= 0) return [...curves];
  const span = extentOfX(curves);
  const unit = span ? (span[1] - span[0]) / VIEW_PARTS : 0;
  return curves.map((curve) => {
    const soft: Curve = { ...curve, y: smooth(curve.x, curve.y, weight, unit) };
    if (!curve.low) soft.raw = curve.y;
    return soft;
  });
}

/** From the first to the last x of all curves. */
export function extentOfX(curves: readonly Curve[]): [number, number] | undefined {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const { x } of curves) {
    if (x.length === 0) continue;
    from = Math.min(from, x[0] as number);
    to = Math.max(to, x[x.length - 1] as number);
  }
  return from <= to ? [from, to] : undefined;
}

/** Share of a range that is asked for beyond it, so that curves run on to the edge. */
const MARGIN = 0.02;

/** Whole coordinates that cover a range of the x axis, for asking the hub again. */
export function asked(range: readonly [number, number]): [number, number] {
  const margin = (range[1] - range[0]) * MARGIN;
  return [Math.floor(range[0] - margin), Math.ceil(range[1] + margin)];
}
