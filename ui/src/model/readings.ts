/** What curves say at a place: for the tip beside the pointer. */

import { nearestIndex } from "./drawing";
import type { Curve } from "./series";

export interface Reading {
  /** Which curve. */
  curve: number;
  /** Where its nearest point is. */
  x: number;
  /** Its value; NaN where that is not finite. */
  value: number;
  low?: number;
  high?: number;
  /** Of a group: how many runs are in the mean. */
  count?: number;
  /** Of a group: whether a value between two points entered the mean. */
  between?: boolean;
  exact: boolean;
}

/** Share of the view beyond the ends of a curve where its end is still meant. */
const END_REACH = 0.02;

/** The nearest point of every curve that reaches the place. */
export function readings(curves: readonly Curve[], x: number, width: number): Reading[] {
  const reach = width * END_REACH;
  return curves.flatMap((curve, at): Reading[] => {
    const i = nearestIndex(curve.x, x);
    if (i === undefined) return [];
    const place = curve.x[i] as number;
    const first = curve.x[0] as number;
    const last = curve.x[curve.x.length - 1] as number;
    if (x < first - reach || x > last + reach) return [];
    return [
      {
        curve: at,
        x: place,
        value: curve.y[i] as number,
        exact: curve.exact,
        ...(curve.low && curve.high && { low: curve.low[i] as number, high: curve.high[i] as number }),
        ...(curve.counts && { count: curve.counts[i] as number, between: curve.between?.[i] === 1 }),
      },
    ];
  });
}

/** The largest first, `most` of them; the one meant is always among them. */
export function sortedReadings(
  found: readonly Reading[],
  meant: Reading | undefined,
  most: number,
): Reading[] {
  const rank = (one: Reading) => (Number.isNaN(one.value) ? Number.NEGATIVE_INFINITY : one.value);
  const sorted = [...found].sort((a, b) => rank(b) - rank(a) || a.curve - b.curve);
  if (sorted.length <= most) return sorted;
  const place = meant ? sorted.indexOf(meant) : 0;
  if (place < most) return sorted.slice(0, most);
  // Around the one meant: its neighbours tell how it stands.
  const from = Math.min(place - Math.floor(most / 2), sorted.length - most);
  return sorted.slice(from, from + most);
}
