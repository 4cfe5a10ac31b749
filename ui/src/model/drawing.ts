/** What drawing needs to know of curves: ranges, outliers, the point nearest to a place. */

import type { Curve } from "./series";

export type Range = readonly [number, number];

/** The first place in ascending `x` at or after `value`. */
export function lowerBound(x: Float64Array, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((x[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The point nearest to a place; undefined of a curve without points. */
export function nearestIndex(x: Float64Array, value: number): number | undefined {
  if (x.length === 0) return undefined;
  const after = lowerBound(x, value);
  if (after === 0) return 0;
  if (after === x.length) return x.length - 1;
  return value - (x[after - 1] as number) <= (x[after] as number) - value ? after - 1 : after;
}

/** First and last index of what is seen of a curve, with one point beyond each edge. */
export function seen(x: Float64Array, range: Range): [number, number] {
  const from = Math.max(0, lowerBound(x, range[0]) - 1);
  let to = lowerBound(x, range[1]);
  if (to >= x.length) to = x.length - 1;
  return [from, to];
}

/** Calls back with every value seen inside the range: the lines, the edges, the lines before smoothing. */
function eachSeen(curves: readonly Curve[], range: Range, logY: boolean, call: (value: number) => void) {
  const least = logY ? Number.MIN_VALUE : Number.NEGATIVE_INFINITY;
  for (const { x, y, low, high, raw } of curves) {
    const from = lowerBound(x, range[0]);
    let end = lowerBound(x, range[1]);
    while (end < x.length && x[end] === range[1]) end += 1;
    for (const values of [y, low, high, raw]) {
      if (!values) continue;
      for (let i = from; i < end; i += 1) {
        const value = values[i] as number;
        // NaN is not at least anything; infinities were made gaps before.
        if (value >= least) call(value);
      }
    }
  }
}

/**
 * Whether an axis can be divided between two values. Differences near the last digits of a number
 * are rounding, and ticks between them would never end.
 */
export function isDivisible([low, high]: Range): boolean {
  return high - low > Math.max(Math.abs(low), Math.abs(high)) * 1e-12;
}

function widened(low: number, high: number, logY: boolean): Range {
  if (logY) {
    const factor = Math.max((high / low) ** 0.06, 1.05);
    return [low / factor, high * factor];
  }
  if (!isDivisible([low, high]))
    return low === 0 ? [-1, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const pad = (high - low) * 0.08;
  return [low - pad, high + pad];
}

/** The y range that shows everything seen in the x range. */
export function fullRange(curves: readonly Curve[], range: Range, logY: boolean): Range {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  eachSeen(curves, range, logY, (value) => {
    if (value < low) low = value;
    if (value > high) high = value;
  });
  if (low > high) return logY ? [0.1, 1] : [0, 1];
  return widened(low, high, logY);
}

/** Shares of the values that a clipped axis runs between. */
const CLIP_LOW = 0.01;
const CLIP_HIGH = 0.99;

/** Points of curves outside of a y range, inside an x range. */
export function countOutside(curves: readonly Curve[], range: Range, y: Range): number {
  let count = 0;
  for (const curve of curves) {
    const end = curve.x.length;
    for (let i = lowerBound(curve.x, range[0]); i < end && (curve.x[i] as number) <= range[1]; i += 1) {
      const least = Math.min(...present(curve, i));
      const most = Math.max(...present(curve, i));
      if (least < y[0] || most > y[1]) count += 1;
    }
  }
  return count;
}

function present(curve: Curve, i: number): number[] {
  const values = [curve.y[i], curve.low?.[i], curve.high?.[i], curve.raw?.[i]];
  return values.filter((value): value is number => value !== undefined && Number.isFinite(value));
}

/** The y range from the 1st to the 99th percentile of what is seen in the x range. */
export function clippedRange(curves: readonly Curve[], range: Range, logY: boolean): Range {
  const values: number[] = [];
  eachSeen(curves, range, logY, (value) => values.push(value));
  if (values.length === 0) return fullRange(curves, range, logY);
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
  return widened(at(CLIP_LOW), at(CLIP_HIGH), logY);
}

/** Points that logarithmic axes cannot show. */
export function hiddenByLog(curves: readonly Curve[], logX: boolean, logY: boolean): number {
  if (!logX && !logY) return 0;
  let count = 0;
  for (const { x, y } of curves) {
    for (let i = 0; i < x.length; i += 1) {
      if ((logX && (x[i] as number) <= 0) || (logY && (y[i] as number) <= 0)) count += 1;
    }
  }
  return count;
}

/** The x range of all curves as a scale takes it: never empty, positive where it is logarithmic. */
export function wholeRange(curves: readonly Curve[], logX: boolean): Range {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const { x } of curves) {
    const first = logX ? lowerBound(x, Number.MIN_VALUE) : 0;
    if (first >= x.length) continue;
    from = Math.min(from, x[first] as number);
    to = Math.max(to, x[x.length - 1] as number);
  }
  if (from > to) return logX ? [1, 10] : [0, 1];
  if (isDivisible([from, to])) return [from, to];
  return logX ? [from / 2, to * 2] : [from - 0.5, to + 0.5];
}

/** A range moved by a share of its width; in decades on a logarithmic axis. */
export function panned(range: Range, share: number, log: boolean): Range {
  if (log) {
    const factor = (range[1] / range[0]) ** share;
    return [range[0] * factor, range[1] * factor];
  }
  const move = (range[1] - range[0]) * share;
  return [range[0] + move, range[1] + move];
}

/** A range stretched about a place in it (0 its start, 1 its end). */
export function zoomed(range: Range, factor: number, about: number, log: boolean): Range {
  if (log) {
    const [from, to] = zoomed([Math.log(range[0]), Math.log(range[1])], factor, about, false);
    return [Math.exp(from), Math.exp(to)];
  }
  const width = range[1] - range[0];
  const place = range[0] + width * about;
  return [place - width * factor * about, place + width * factor * (1 - about)];
}

/** Ticks a logarithmic axis has at most. */
const LOG_TICKS_MAX = 8;
const DIGITS: readonly (readonly number[])[] = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3], [1]];

function multiples(low: number, high: number, digits: readonly number[], stride: number): number[] {
  const found: number[] = [];
  const first = Math.floor(Math.log10(low) / stride) * stride;
  for (let power = first; power <= Math.log10(high); power += stride) {
    for (const digit of digits) {
      // Read from its text: 3 times a power of ten is seldom the nearest number to it.
      const value = Number(`${digit}e${power}`);
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found;
}

/** Even ticks at 1, 2 or 5 times a power of ten, at most so many. */
function even(low: number, high: number): number[] {
  const rough = (high - low) / LOG_TICKS_MAX;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((digit) => digit * power >= rough) ?? 10) * power;
  const found: number[] = [];
  for (let at = Math.ceil(low / step); at * step <= high && found.length <= LOG_TICKS_MAX; at += 1) {
    found.push(at * step);
  }
  return found;
}

/** Ticks of a logarithmic axis from `low`, above 0, to `high`: round values, few enough to be read. */
export function logTicks(low: number, high: number): number[] {
  if (!(low > 0) || !Number.isFinite(high) || !isDivisible([low, high])) return [];
  for (const digits of DIGITS) {
    const found = multiples(low, high, digits, 1);
    if (found.length < 2) return even(low, high);
    if (found.length <= LOG_TICKS_MAX) return found;
  }
  const stride = Math.ceil(Math.log10(high / low) / LOG_TICKS_MAX);
  return multiples(low, high, [1], stride);
}

const identity = (value: number) => value;

/** Values of a range to pixels, linear or logarithmic. */
export function toPixels(range: Range, log: boolean, from: number, to: number): (value: number) => number {
  const scale = log ? Math.log10 : identity;
  const low = scale(range[0]);
  const factor = (to - from) / (scale(range[1]) - low || 1);
  return (value) => from + (scale(value) - low) * factor;
}

type Put = (px: number, py: number) => void;

/** A line through the points that can be drawn: begun anew after each that cannot. */
export function traceLine(
  x: Float64Array,
  y: Float64Array,
  [from, end]: readonly [number, number],
  to: { x: (value: number) => number; y: (value: number) => number },
  pen: { move: Put; line: Put },
): void {
  let down = false;
  for (let i = from; i <= end; i += 1) {
    const px = to.x(x[i] as number);
    const py = to.y(y[i] as number);
    const drawable = Number.isFinite(px) && Number.isFinite(py);
    if (drawable) (down ? pen.line : pen.move)(px, py);
    down = drawable;
  }
}
