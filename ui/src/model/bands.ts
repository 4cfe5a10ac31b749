/** Mean and spread over the runs of a group, from their curves on one axis. */

import { type Curve, extentOfX } from "./series";

export const BANDS = ["std", "error", "range"] as const;
export type Band = (typeof BANDS)[number];

export function readBand(value: unknown): Band | undefined {
  return BANDS.find((band) => band === value);
}

export const BAND_TEXT: Record<Band, string> = {
  std: "mean ± standard deviation",
  error: "mean ± standard error",
  range: "mean, min to max",
};

/** Places a group is averaged at, at most. Where its runs have more between them, at so many even ones. */
export const PLACES_MAX = 4000;

/** Where any of the curves has a point, in order; at most `PLACES_MAX` places. */
function places(curves: readonly Curve[]): Float64Array {
  const first = curves[0];
  if (first && curves.every((one) => sameX(one.x, first.x))) return first.x;
  const all = new Set<number>();
  for (const { x } of curves) for (const place of x) all.add(place);
  if (all.size <= PLACES_MAX) return Float64Array.from(all).sort();
  const [from, to] = extentOfX(curves) ?? [0, 0];
  return Float64Array.from({ length: PLACES_MAX }, (_, i) => from + ((to - from) * i) / (PLACES_MAX - 1));
}

function sameX(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

interface Member {
  x: Float64Array;
  y: Float64Array;
  low: Float64Array;
  high: Float64Array;
  /** First point at or after the place last asked for. */
  at: number;
}

/** How much of the way from the point before `place` lies behind it; 0 at a point, undefined outside. */
function locate(member: Member, place: number): number | undefined {
  const { x } = member;
  while (member.at < x.length && (x[member.at] as number) < place) member.at += 1;
  const after = x[member.at];
  if (after === undefined) return undefined;
  if (after === place) return 0;
  const before = x[member.at - 1];
  return before === undefined ? undefined : (place - before) / (after - before);
}

/** The value at a place `share` of the way from the point before the current one. */
function valueAt(member: Member, values: Float64Array, share: number): number {
  const after = values[member.at] as number;
  return share === 0 ? after : (values[member.at - 1] as number) * (1 - share) + after * share;
}

interface Spread {
  count: number;
  mean: number;
  low: number;
  high: number;
}

/** Of values at one place: `lows` and `highs` are those of reduced runs' extremes, else the values. */
function spread(values: readonly number[], low: number, high: number, band: Band): Spread {
  const count = values.length;
  if (count === 0) return { count, mean: Number.NaN, low: Number.NaN, high: Number.NaN };
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (band === "range") return { count, mean, low, high };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  // One run has no spread: its mean is drawn alone.
  const std = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  const width = band === "error" ? std / Math.sqrt(count) : std;
  return { count, mean, low: mean - width, high: mean + width };
}

/**
 * The mean curve with its band. At each place the runs that reach it count: with their own value
 * where they have a point, else with the straight line between the points around it. No run is
 * continued beyond its first and last point, and no value that is not finite enters.
 */
export function meanCurve(curves: readonly Curve[], band: Band): Curve {
  const x = places(curves);
  const members = curves.map(
    (one): Member => ({ x: one.x, y: one.y, low: one.low ?? one.y, high: one.high ?? one.y, at: 0 }),
  );
  const size = x.length;
  const result = {
    x,
    y: new Float64Array(size),
    low: new Float64Array(size),
    high: new Float64Array(size),
    counts: new Uint16Array(size),
    between: new Uint8Array(size),
  };
  for (let i = 0; i < size; i += 1) {
    const values: number[] = [];
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const member of members) {
      const share = locate(member, x[i] as number);
      const value = share === undefined ? Number.NaN : valueAt(member, member.y, share);
      if (share === undefined || !Number.isFinite(value)) continue;
      values.push(value);
      if (share !== 0) result.between[i] = 1;
      low = Math.min(low, valueAt(member, member.low, share));
      high = Math.max(high, valueAt(member, member.high, share));
    }
    const found = spread(values, low, high, band);
    result.y[i] = found.mean;
    result.low[i] = found.low;
    result.high[i] = found.high;
    result.counts[i] = found.count;
  }
  return { ...result, marks: curves.flatMap((one) => one.marks), exact: curves.every((one) => one.exact) };
}
