/** Exponential moving average of a curve, with the start corrected for bias. */

/**
 * `weight` in [0, 1): 0 returns the values. Gaps (null: not finite, undefined: no point) stay
 * as they are and do not enter the average.
 */
export function smooth(
  values: readonly (number | null | undefined)[],
  weight: number,
): (number | null | undefined)[] {
  if (weight <= 0) return [...values];
  let average = 0;
  let count = 0;
  return values.map((value) => {
    if (value === null || value === undefined) return value;
    average = average * weight + (1 - weight) * value;
    count += 1;
    return average / (1 - weight ** count);
  });
}
