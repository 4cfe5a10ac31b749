/** Curves of an evaluation, read from the hub's JSON without trusting its shape. */

import { asArray, asNumber, asNumbers, asObject, asText } from "./json";

export interface Confusion {
  labels: string[];
  /** `counts[t][p]`: rows of true class t predicted as p. */
  counts: number[][];
  /** Whether the examples have weights, which the counts leave aside. */
  weighted: boolean;
}

/** The range of a whole curve over bootstrap resamples, at places of its horizontal axis. */
export interface WholeBand {
  x: number[];
  low: number[];
  high: number[];
  confidence: number;
  samples: number;
}

export interface Curve {
  label: string;
  /** Area under the curve, or average precision. */
  score: number | undefined;
  x: number[];
  y: number[];
  thresholds: number[];
  whole: WholeBand | undefined;
  /** Why the evaluation made no such band; undefined too where an older release made none. */
  noWhole: string | undefined;
}

export interface CalibrationBin {
  low: number;
  high: number;
  count: number;
  /** The count where examples have no weights. */
  weight: number;
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

/** One class or label against the rest; absent where it is undefined. */
export interface ClassScores {
  label: string;
  /** Rows that are truly of it, or their weight. */
  support: number;
  precision: number | undefined;
  recall: number | undefined;
  f1: number | undefined;
  specificity: number | undefined;
  auroc: number | undefined;
}

export interface Curves {
  perClass: ClassScores[];
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
  return labels.length > 0 && counts.length === labels.length
    ? { labels, counts, weighted: Array.isArray(body.weights) }
    : undefined;
}

function readWholeBand(value: unknown): WholeBand | undefined {
  const body = asObject(value);
  const [x, low, high] = [asNumbers(body.x), asNumbers(body.low), asNumbers(body.high)];
  const [confidence, samples] = [asNumber(body.confidence), asNumber(body.samples)];
  if (x.length < 2 || low.length !== x.length || high.length !== x.length) return undefined;
  if (confidence === undefined || samples === undefined) return undefined;
  return { x, low, high, confidence, samples };
}

function readCurve(value: unknown, x: string, y: string, score: string): Curve {
  const body = asObject(value);
  return {
    label: asText(body.label) ?? "",
    score: asNumber(body[score]),
    x: asNumbers(body[x]),
    y: asNumbers(body[y]),
    thresholds: asNumbers(body.thresholds),
    whole: readWholeBand(body.band),
    noWhole: asText(body.no_band),
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
      weight: asNumber(bin.weight) ?? asNumber(bin.count) ?? 0,
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

function readClassScores(value: unknown): ClassScores {
  const body = asObject(value);
  return {
    label: asText(body.label) ?? "",
    support: asNumber(body.support) ?? 0,
    precision: asNumber(body.precision),
    recall: asNumber(body.recall),
    f1: asNumber(body.f1),
    specificity: asNumber(body.specificity),
    auroc: asNumber(body.auroc),
  };
}

/** Everything drawable; what does not apply is empty. */
export function readCurves(value: unknown): Curves {
  const body = asObject(value);
  return {
    perClass: asArray(body.per_class).map(readClassScores),
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

/** Share of each predicted class that was of each true class; columns without examples are all zero. */
export function columnNormalised(counts: readonly (readonly number[])[]): number[][] {
  const sums = (counts[0] ?? []).map((_, p) => counts.reduce((total, row) => total + (row[p] ?? 0), 0));
  return counts.map((row) => row.map((n, p) => ((sums[p] ?? 0) > 0 ? n / (sums[p] ?? 1) : 0)));
}

export interface Mistake {
  truth: number;
  predicted: number;
  count: number;
}

/** The confusions outside of the diagonal, the most frequent first. */
export function mistakes(confusion: Confusion, limit: number): Mistake[] {
  const found = confusion.counts.flatMap((row, truth) =>
    row.flatMap((count, predicted) =>
      count > 0 && truth !== predicted ? [{ truth, predicted, count }] : [],
    ),
  );
  return found.sort((a, b) => b.count - a.count || a.truth - b.truth).slice(0, limit);
}

/** True examples of a class; undefined where weights make counting wrong or the class is unknown. */
export function positivesOf(confusion: Confusion | undefined, label: string): number | undefined {
  if (!confusion || confusion.weighted) return undefined;
  const row = confusion.counts[confusion.labels.indexOf(label)];
  return row?.reduce((sum, count) => sum + count, 0);
}
