/** Histograms of many steps on common bins, so that a drift over the steps is seen at once. */

import { edgeRange, type Gallery, type MediaItem } from "./media";

export interface StepRow {
  step: number;
  /** Share of the step's values in each bin. */
  shares: readonly number[];
  total: number;
  nonFinite: number;
}

export interface Ridges {
  domain: [number, number];
  rows: readonly StepRow[];
  /** The greatest share of all. */
  most: number;
}

/** Bins all steps are brought to. */
export const RIDGE_BINS = 64;

/**
 * Counts brought to even bins over the domain. A count is spread evenly over its own bin; a bin
 * without width (all values alike) goes whole to where it stands.
 */
export function rebin(
  item: Pick<MediaItem, "counts" | "edges">,
  domain: readonly [number, number],
): number[] {
  const result = new Array<number>(RIDGE_BINS).fill(0);
  const width = (domain[1] - domain[0]) / RIDGE_BINS;
  const add = (bin: number, count: number) => {
    const at = Math.min(RIDGE_BINS - 1, Math.max(0, bin));
    result[at] = (result[at] ?? 0) + count;
  };
  item.counts.forEach((count, i) => {
    const [from, to] = [item.edges[i], item.edges[i + 1]];
    if (from === undefined || to === undefined || !(count > 0)) return;
    const low = (from - domain[0]) / width;
    const high = (to - domain[0]) / width;
    if (!(high > low)) {
      add(Math.floor(low), count);
      return;
    }
    for (let bin = Math.floor(low); bin < high; bin += 1) {
      const inside = Math.min(bin + 1, high) - Math.max(bin, low);
      if (inside > 0) add(bin, (count * inside) / (high - low));
    }
  });
  return result;
}

/** All steps of a gallery of histograms; undefined when none has a finite value. */
export function buildRidges(gallery: Gallery): Ridges | undefined {
  const domain = edgeRange(gallery);
  if (!domain) return undefined;
  const rows = gallery.steps.map((step): StepRow => {
    const items = gallery.items.get(step) ?? [];
    const item = items[items.length - 1];
    const total = item?.counts.reduce((sum, count) => sum + count, 0) ?? 0;
    const counts = item ? rebin(item, domain) : [];
    const shares = counts.map((count) => (total > 0 ? count / total : 0));
    return { step, shares, total, nonFinite: item?.nonFinite ?? 0 };
  });
  const most = rows.reduce((max, row) => row.shares.reduce((a, b) => Math.max(a, b), max), 0);
  return { domain, rows, most };
}

/** At most `limit` of a list, evenly, with its first and last. */
export function evenly<T>(list: readonly T[], limit: number): T[] {
  if (list.length <= limit) return [...list];
  return Array.from({ length: limit }, (_, i) => {
    const at = Math.round((i * (list.length - 1)) / (limit - 1));
    return list[at] as T;
  });
}
