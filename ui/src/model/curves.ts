/** Curves of an evaluation, read from the hub's JSON without trusting its shape. */

import { asArray, asNumber, asNumbers, asObject, asText } from "./json";

export interface Confusion {
  labels: string[];
  /** `counts[t][p]`: rows of true class t predicted as p. */
  counts: number[][];
}

export interface Curve {
  label: string;
  /** Area under the curve, or average precision. */
  score: number | undefined;
  x: number[];
  y: number[];
  thresholds: number[];
}

export interface CalibrationBin {
  low: number;
  high: number;
  count: number;
  predicted: number | undefined;
  observed: number | undefined;
}

export interface Calibration {
  /** The class whose probability is binned; undefined: the top class of each row. */
  label: string | undefined;
  bins: CalibrationBin[];
}

export interface Density {
  low: number;
  high: number;
  bins: number;
  /** `counts[true_bin * bins + predicted_bin]`. */
  counts: number[];
}

export interface Histogram {
  low: number;
  high: number;
  counts: number[];
}

export interface Curves {
  confusion: Confusion | undefined;
  roc: Curve[];
  precisionRecall: Curve[];
  calibration: Calibration | undefined;
  density: Density | undefined;
  residuals: Histogram | undefined;
}

function readConfusion(value: unknown): Confusion | undefined {
  const body = asObject(value);
  const labels = asArray(body.labels).map((label) => asText(label) ?? String(label));
  const counts = asArray(body.counts).map(asNumbers);
  return labels.length > 0 && counts.length === labels.length ? { labels, counts } : undefined;
}

function readCurve(value: unknown, x: string, y: string, score: string): Curve {
  const body = asObject(value);
  return {
    label: asText(body.label) ?? "",
    score: asNumber(body[score]),
    x: asNumbers(body[x]),
    y: asNumbers(body[y]),
    thresholds: asNumbers(body.thresholds),
  };
}

function readCalibration(value: unknown): Calibration | undefined {
  const body = asObject(value);
  const bins = asArray(body.bins).map((item) => {
    const bin = asObject(item);
    return {
      low: asNumber(bin.low) ?? 0,
      high: asNumber(bin.high) ?? 0,
      count: asNumber(bin.count) ?? 0,
      predicted: asNumber(bin.mean_predicted),
      observed: asNumber(bin.fraction_positive),
    };
  });
  return bins.length > 0 ? { label: asText(body.label), bins } : undefined;
}

function readDensity(value: unknown): Density | undefined {
  const body = asObject(value);
  const bins = asNumber(body.bins) ?? 0;
  const counts = asNumbers(body.counts);
  if (bins < 1 || counts.length !== bins * bins) return undefined;
  return { low: asNumber(body.low) ?? 0, high: asNumber(body.high) ?? 1, bins, counts };
}

function readHistogram(value: unknown): Histogram | undefined {
  const body = asObject(value);
  const counts = asNumbers(body.counts);
  if (counts.length === 0) return undefined;
  return { low: asNumber(body.low) ?? 0, high: asNumber(body.high) ?? 1, counts };
}

/** Everything drawable; what does not apply is empty. */
export function readCurves(value: unknown): Curves {
  const body = asObject(value);
  return {
    confusion: readConfusion(body.confusion),
    roc: asArray(body.roc).map((c) => readCurve(c, "false_positive_rate", "true_positive_rate", "auroc")),
    precisionRecall: asArray(body.precision_recall).map((c) =>
      readCurve(c, "recall", "precision", "average_precision"),
    ),
    calibration: readCalibration(body.calibration),
    density: readDensity(body.predicted_true),
    residuals: readHistogram(body.residuals),
  };
}

/** Share of each true class that got each prediction; rows without examples are all zero. */
export function rowNormalised(counts: readonly (readonly number[])[]): number[][] {
  return counts.map((row) => {
    const sum = row.reduce((total, n) => total + n, 0);
    return row.map((n) => (sum > 0 ? n / sum : 0));
  });
}
