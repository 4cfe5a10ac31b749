/** Cells of a confusion matrix: their shares by what the reader chose, and what each says in words. */

import { type Confusion, columnNormalised, rowNormalised } from "./curves";
import { formatCount } from "./format";

export type ConfusionMode = "counts" | "rows" | "columns";

export interface Cells {
  confusion: Confusion;
  /** Shares between 0 and 1 that colour the cells. */
  shares: readonly (readonly number[])[];
  mode: ConfusionMode;
}

/** A share in percent. */
export function shareText(share: number, count: number): string {
  return `${(share * 100).toFixed(count > 0 ? 1 : 0)}%`;
}

/** What one cell says, in words. */
export function cellWords({ confusion, shares, mode }: Cells, truth: number, predicted: number): string {
  const count = confusion.counts[truth]?.[predicted] ?? 0;
  const share = shareText(shares[truth]?.[predicted] ?? 0, count);
  const [t, p] = [confusion.labels[truth] ?? "", confusion.labels[predicted] ?? ""];
  const of = mode === "columns" ? `all predicted as ${p}` : `all of class ${t}`;
  return `${formatCount(count)} of class ${t} predicted as ${p}: ${share} of ${of}`;
}

/** The shares that colour the cells: of the predicted class, else of the true one. */
export function sharesOf(confusion: Confusion, mode: ConfusionMode): number[][] {
  return mode === "columns" ? columnNormalised(confusion.counts) : rowNormalised(confusion.counts);
}
