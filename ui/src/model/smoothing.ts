/**
 * Exponential moving average of a curve, with the start corrected for bias, as TensorBoard
 * smooths; weighted by distance, as W&B does, so that unevenly spaced points count rightly.
 */

/**
 * `weight` in [0, 1) is what the average keeps over a distance of `unit`, or over the usual
 * distance between two points where that is longer: with few points in view it is the weight
 * per point, with many the weight per part of the view. Gaps (NaN) stay and do not enter.
 */
export function smooth(x: Float64Array, y: Float64Array, weight: number, unit: number): Float64Array {
  if (weight <= 0) return y;
  const last = x.length - 1;
  const usual = last > 0 ? ((x[last] as number) - (x[0] as number)) / last : 0;
  const distance = Math.max(unit, usual) || 1;
  const result = new Float64Array(y.length).fill(Number.NaN);
  let sum = 0;
  let weights = 0;
  let before: number | undefined;
  for (let i = 0; i < y.length; i += 1) {
    const value = y[i] as number;
    if (Number.isNaN(value)) continue;
    const place = x[i] as number;
    const kept = before === undefined ? 0 : weight ** ((place - before) / distance);
    // What lies nearer than a unit counts for its share of it.
    const share = before === undefined ? 1 : (1 - kept) / (1 - weight);
    sum = sum * kept + value * share;
    weights = weights * kept + share;
    before = place;
    result[i] = sum / weights;
  }
  return result;
}
