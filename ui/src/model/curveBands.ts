/**
 * Bands of an evaluation's curves: of the whole curve over bootstrap resamples where the hub made them, else
 * binomial: Wilson's interval of a share at each threshold, by itself. The latter hold for independent examples
 * without weights; where those are not given there is no band.
 */

import type { CalibrationBin, Curve, WholeBand } from "./curves";
import { wilson } from "./estimates";
import { formatNumber, plural } from "./format";

/** The interval of `y` at each point; undefined where there is none. */
export type Band = readonly ([number, number] | undefined)[];

/** Of the true positive rate: a share of the positives. What the false positive rate might be is not in it. */
export function rocBand(curve: Curve, positives: number | undefined): Band | undefined {
  if (positives === undefined || positives < 1) return undefined;
  return curve.y.map((rate) => wilson(Math.round(rate * positives), positives));
}

/** Of the precision: a share of what is predicted positive, which recall and precision say. */
export function precisionBand(curve: Curve, positives: number | undefined): Band | undefined {
  if (positives === undefined || positives < 1) return undefined;
  return curve.y.map((precision, i) => {
    const hits = Math.round((curve.x[i] ?? 0) * positives);
    // At recall 0 precision is 1 by convention: nothing was predicted.
    if (hits === 0 || !(precision > 0)) return undefined;
    return wilson(hits, Math.max(hits, Math.round(hits / precision)));
  });
}

/** Of the observed frequency in a bin. */
export function calibrationBand(bin: CalibrationBin): [number, number] | undefined {
  if (bin.observed === undefined || bin.weight !== bin.count) return undefined;
  return wilson(Math.round(bin.observed * bin.count), bin.count);
}

/** Either kind of band of a curve. */
export interface Banded {
  whole: WholeBand | undefined;
  /** Wilson's, where there is no band of the whole curve. */
  band: Band | undefined;
}

/** Wilson's band of a curve with so many positives. */
export type Banding = (curve: Curve, positives: number | undefined) => Band | undefined;

/** The band of the whole curve, else Wilson's. */
export function bandOf(curve: Curve, positives: number | undefined, banding: Banding): Banded {
  const { whole } = curve;
  return { whole, band: whole ? undefined : banding(curve, positives) };
}

/** The ends of a band where it has any, from left to right. */
export function bandEnds(curve: Curve, { whole, band }: Banded): { x: number; low: number; high: number }[] {
  if (whole) return whole.x.map((x, i) => ({ x, low: whole.low[i] ?? 0, high: whole.high[i] ?? 0 }));
  return curve.x.flatMap((x, i) => {
    const interval = band?.[i];
    return interval ? [{ x, low: interval[0], high: interval[1] }] : [];
  });
}

/** The interval at a point of a curve: between the places of a band of the whole curve on the line through them. */
export function intervalAt(curve: Curve, index: number, banded: Banded): [number, number] | undefined {
  const { whole, band } = banded;
  if (!whole) return band?.[index];
  const x = curve.x[index];
  const after = x === undefined ? -1 : whole.x.findIndex((place) => place >= x);
  const [right, left] = [whole.x[after], whole.x[Math.max(0, after - 1)]];
  if (x === undefined || right === undefined || left === undefined) return undefined;
  // Left of its first place the band says nothing.
  if (after === 0 && x < right) return undefined;
  const share = right > left ? (x - left) / (right - left) : 1;
  const along = (ends: number[]) => {
    const [from, to] = [ends[Math.max(0, after - 1)] ?? 0, ends[after] ?? 0];
    return from + (to - from) * share;
  };
  return [along(whole.low), along(whole.high)];
}

/** How the bands of some curves were made; undefined when there are none. */
export function bandText(
  lines: readonly (Banded & { curve: Curve })[],
  wilsonText: string,
): string | undefined {
  const whole = lines.find((line) => line.whole)?.whole;
  if (whole) {
    const percent = formatNumber(100 * whole.confidence);
    const mixed = lines.some((line) => line.band) ? " Where an evaluation has none: Wilson's interval." : "";
    return `Band: ${percent} % bootstrap band, ${plural(whole.samples, "resample")}, at each place of the horizontal axis.${mixed}`;
  }
  if (!lines.some((line) => line.band)) return undefined;
  const why = lines.find((line) => line.curve.noWhole)?.curve.noWhole;
  return why ? `${wilsonText} No bootstrap band: ${why}.` : wilsonText;
}

/** The point of a curve nearest to a place on the unit square. */
export function nearestPoint(
  curve: Curve,
  at: { x: number; y: number },
): { index: number; distance: number } | undefined {
  let best: { index: number; distance: number } | undefined;
  curve.x.forEach((x, index) => {
    const distance = Math.hypot(x - at.x, (curve.y[index] ?? 0) - at.y);
    if (Number.isFinite(distance) && (!best || distance < best.distance)) best = { index, distance };
  });
  return best;
}

export const ROC_TEXT =
  "Band: 95 % interval of Wilson for the true positive rate at each threshold by itself, of independent examples.";
export const PRECISION_TEXT =
  "Band: 95 % interval of Wilson for the precision at each threshold by itself, of independent examples.";
