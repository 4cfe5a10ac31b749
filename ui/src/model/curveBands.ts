/**
 * Binomial bands of an evaluation's curves: Wilson's interval of a share at each threshold, by itself.
 * They hold for independent examples without weights; where those are not given there is no band.
 */

import type { CalibrationBin, Curve } from "./curves";
import { wilson } from "./estimates";

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
