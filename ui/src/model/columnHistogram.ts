/** The distribution of a dataset's column as bars, and what they say in words. Pure. */

import type { Column, ColumnHistogram } from "./dataset";
import { formatCount, formatNumber, plural } from "./format";

export interface HistogramBar {
  /** Place from the left and height, 0 to 1. */
  left: number;
  width: number;
  height: number;
  /** `0.5 to 0.75: 12 values`. */
  text: string;
}

/** A bin with anything in it is never drawn lower than this: it must not look empty. */
const HEIGHT_MIN = 0.06;

function binText(histogram: ColumnHistogram, index: number, whole: boolean): string {
  const { start, width, counts } = histogram;
  const values = plural(counts[index] ?? 0, "value");
  const low = start + index * width;
  if (width === 0 || (whole && width === 1)) return `${formatNumber(low)}: ${values}`;
  const high = whole ? low + width - 1 : low + width;
  return `${formatNumber(low)} to ${formatNumber(high)}: ${values}`;
}

/** Bars from left to right over the bins that there are. */
export function histogramBars(column: Column): HistogramBar[] {
  const { histogram } = column;
  if (!histogram) return [];
  const most = Math.max(...histogram.counts);
  const share = 1 / histogram.counts.length;
  const whole = isWhole(column);
  return histogram.counts.map((count, index) => ({
    left: index * share,
    width: share,
    height: count > 0 ? Math.max(HEIGHT_MIN, count / most) : 0,
    text: binText(histogram, index, whole),
  }));
}

/** Whether the column holds whole numbers, as its type says. */
function isWhole(column: Column): boolean {
  return /^u?int/.test(column.dtype);
}

/** The distribution in a sentence. */
export function histogramText(column: Column): string {
  const { histogram } = column;
  if (!histogram) return "";
  const most = histogram.counts.indexOf(Math.max(...histogram.counts));
  const total = histogram.counts.reduce((sum, count) => sum + count, 0);
  if (histogram.counts.length === 1) return `all ${formatCount(total)} values are in one bin`;
  const fullest = binText(histogram, most, isWhole(column));
  return `${formatCount(total)} values in ${histogram.counts.length} bins; the fullest is ${fullest}`;
}

/** Why a column of numbers has no histogram; undefined where there is nothing to miss. */
export function missingHistogram(column: Column): string | undefined {
  if (column.histogram || column.min === undefined) return undefined;
  return "Not recorded: the version was registered by an older release, or the table has more than 2,000 columns";
}
