/** Intervals and lines that are computed from what is drawn. Each names its method. */

export interface Estimate {
  value: number;
  n: number;
  low: number | undefined;
  high: number | undefined;
  std: number | undefined;
}

/** Of the normal distribution at 97.5 %. */
export const Z_975 = 1.959963984540054;

/** Of Student's t at 97.5 % for 1 to 10 degrees of freedom; beyond, the expansion below is exact to 1e-4. */
const T_975 = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281];

/** Student's t at 97.5 %: a table, then the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5). */
export function studentT975(degrees: number): number {
  const known = T_975[degrees - 1];
  if (known !== undefined) return known;
  const z = Z_975;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / degrees + second / degrees ** 2 + third / degrees ** 3;
}

/** Mean with the 95 % interval of Student's t; no interval for a single value. */
export function meanEstimate(values: readonly number[]): Estimate | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const value = values.reduce((sum, one) => sum + one, 0) / n;
  if (n === 1) return { value, n, low: undefined, high: undefined, std: undefined };
  const std = Math.sqrt(values.reduce((sum, one) => sum + (one - value) ** 2, 0) / (n - 1));
  const half = (studentT975(n - 1) * std) / Math.sqrt(n);
  return { value, n, low: value - half, high: value + half, std };
}

/** Wilson's 95 % interval of a share (Wilson 1927): of `successes` among `n` independent trials. */
export function wilson(successes: number, n: number): [number, number] | undefined {
  if (!(n > 0) || !(successes >= 0) || successes > n) return undefined;
  const z2 = Z_975 ** 2;
  const share = successes / n;
  const middle = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z_975 / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

export interface Line {
  slope: number;
  intercept: number;
  /** Share of the variance the line explains. */
  r2: number;
  n: number;
}

/** The line of least squares; undefined for fewer than three points or when x never changes. */
export function leastSquares(points: readonly { x: number; y: number }[]): Line | undefined {
  const n = points.length;
  if (n < 3) return undefined;
  const xMean = points.reduce((sum, point) => sum + point.x, 0) / n;
  const yMean = points.reduce((sum, point) => sum + point.y, 0) / n;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (const { x, y } of points) {
    xx += (x - xMean) ** 2;
    xy += (x - xMean) * (y - yMean);
    yy += (y - yMean) ** 2;
  }
  if (xx === 0) return undefined;
  const slope = xy / xx;
  return { slope, intercept: yMean - slope * xMean, r2: yy === 0 ? 1 : (xy * xy) / (xx * yy), n };
}
