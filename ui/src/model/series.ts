/** Series of several runs, brought onto one axis for drawing. */

import { type ApiNumber, toFloat } from "./number";
import { smooth } from "./smoothing";

export type XAxis = "step" | "time";

/** A series as the API sends it. */
export interface RawSeries {
  run: string;
  steps: readonly number[];
  times_ms: readonly number[];
  values: readonly ApiNumber[];
}

/** Columns over one x axis. `undefined`: no point there; `null`: a value that is not finite. */
export interface Aligned {
  x: number[];
  columns: (number | null | undefined)[][];
  /** Where values were not finite, by series. */
  nonFinite: { x: number; series: number }[];
}

interface Point {
  x: number;
  value: number;
}

/** Points of one series by x, the last one logged winning where x repeats. */
function points(series: RawSeries, axis: XAxis): Point[] {
  const start = series.times_ms.reduce((low, t) => Math.min(low, t), Number.POSITIVE_INFINITY);
  const list = series.values.map((value, i) => ({
    x: axis === "step" ? (series.steps[i] ?? 0) : ((series.times_ms[i] ?? 0) - start) / 1000,
    value: toFloat(value) ?? Number.NaN,
  }));
  list.sort((a, b) => a.x - b.x);
  return list.filter((point, i) => list[i + 1]?.x !== point.x);
}

/** Merges series onto the union of their x values. */
export function align(series: readonly RawSeries[], axis: XAxis): Aligned {
  const lists = series.map((one) => points(one, axis));
  const x = [...new Set(lists.flatMap((list) => list.map((p) => p.x)))].sort((a, b) => a - b);
  const position = new Map(x.map((value, index) => [value, index]));
  const nonFinite: Aligned["nonFinite"] = [];
  const columns = lists.map((list, seriesIndex) => {
    const column = new Array<number | null | undefined>(x.length).fill(undefined);
    for (const point of list) {
      const at = position.get(point.x);
      if (at === undefined) continue;
      const finite = Number.isFinite(point.value);
      column[at] = finite ? point.value : null;
      if (!finite) nonFinite.push({ x: point.x, series: seriesIndex });
    }
    return column;
  });
  return { x, columns, nonFinite };
}

/** Each column smoothed. */
export function smoothed(aligned: Aligned, weight: number): Aligned {
  return { ...aligned, columns: aligned.columns.map((column) => smooth(column, weight)) };
}

/** Values a logarithmic axis cannot show become gaps. */
export function positiveOnly(aligned: Aligned): Aligned {
  const columns = aligned.columns.map((column) =>
    column.map((value) => (typeof value === "number" && value <= 0 ? null : value)),
  );
  return { ...aligned, columns };
}

/** The steps that cover a range of the x axis, for asking the hub again. */
export function stepRange(
  series: readonly RawSeries[],
  axis: XAxis,
  range: readonly [number, number],
): [number, number] | undefined {
  if (axis === "step") return [Math.floor(range[0]), Math.ceil(range[1])];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const one of series) {
    const start = one.times_ms.reduce((least, t) => Math.min(least, t), Number.POSITIVE_INFINITY);
    one.times_ms.forEach((time, i) => {
      const x = (time - start) / 1000;
      const step = one.steps[i];
      if (step === undefined || x < range[0] || x > range[1]) return;
      low = Math.min(low, step);
      high = Math.max(high, step);
    });
  }
  return low <= high ? [low, high] : undefined;
}
