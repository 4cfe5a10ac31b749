/** State of the compare page that lives in its address: runs and their order, baseline, what is hidden. */

import { asObject, type JsonObject } from "./json";
import { readIds } from "./search";

export const METRIC_SORTS = ["usual", "name", "spread", "significance"] as const;
export type MetricSort = (typeof METRIC_SORTS)[number];

export interface CompareSearch {
  /** Ids of the runs, comma separated, in the order of the columns. */
  runs?: string;
  /** The run the others are measured against; absent: the first one shown. */
  baseline?: string;
  /** Ids of runs that stay in the link but are not compared. */
  hidden?: string;
  /** Columns of the metric table: single runs, or seed groups. */
  by?: "groups";
  sort?: MetricSort;
  /** Config: also what is the same in all runs. */
  all?: true;
  /** What is chosen in the analysis charts, which alone know what it means. */
  analysis?: JsonObject;
  /** The two runs tested row by row, comma separated. */
  pair?: string;
  /** The media shown side by side, by their key, and the step. */
  media?: string;
  step?: number;
}

/** Choices of the analysis that are longer than this stay out of the address. */
export const ANALYSIS_MAX = 6 * 1024;

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The choices as the address takes them: what fits and is one of this version. */
export function keptAnalysis(value: unknown): JsonObject | undefined {
  const body = asObject(value);
  return body.version === 1 && JSON.stringify(body).length <= ANALYSIS_MAX ? body : undefined;
}

/** Only what has a meaning survives, so a mangled link still opens the page. */
export function readCompareSearch(raw: Record<string, unknown>): CompareSearch {
  const result: CompareSearch = {};
  const ids = readIds(text(raw.runs));
  if (ids.length > 0) result.runs = ids.join(",");
  const baseline = text(raw.baseline);
  if (baseline && ids.includes(baseline)) result.baseline = baseline;
  const hidden = readIds(text(raw.hidden)).filter((id) => ids.includes(id));
  if (hidden.length > 0) result.hidden = hidden.join(",");
  if (raw.by === "groups") result.by = "groups";
  const sort = METRIC_SORTS.find((one) => one === raw.sort);
  if (sort && sort !== "usual") result.sort = sort;
  if (raw.all === true || raw.all === "true") result.all = true;
  const analysis = keptAnalysis(raw.analysis);
  if (analysis) result.analysis = analysis;
  const pair = readIds(text(raw.pair)).filter((id) => ids.includes(id));
  if (pair.length === 2) result.pair = pair.join(",");
  const media = text(raw.media);
  if (media) result.media = media;
  if (typeof raw.step === "number" && Number.isInteger(raw.step)) result.step = raw.step;
  return result;
}

/** Runs that are compared. */
export function shownIds(search: CompareSearch): string[] {
  const hidden = new Set(readIds(search.hidden));
  return readIds(search.runs).filter((id) => !hidden.has(id));
}

/** The baseline chosen, unless it is hidden; else the first run shown. */
export function baselineId(search: CompareSearch): string | undefined {
  const shown = shownIds(search);
  return search.baseline && shown.includes(search.baseline) ? search.baseline : shown[0];
}

function withIds(search: CompareSearch, ids: readonly string[]): CompareSearch {
  return readCompareSearch({ ...search, runs: ids.join(",") });
}

/** The run moved to a place among all runs of the link. */
export function moved(search: CompareSearch, id: string, to: number): CompareSearch {
  const rest = readIds(search.runs).filter((one) => one !== id);
  const at = Math.max(0, Math.min(rest.length, to));
  return withIds(search, [...rest.slice(0, at), id, ...rest.slice(at)]);
}

export function removed(search: CompareSearch, gone: readonly string[]): CompareSearch {
  return withIds(
    search,
    readIds(search.runs).filter((id) => !gone.includes(id)),
  );
}

export function added(search: CompareSearch, ids: readonly string[]): CompareSearch {
  return withIds(search, [...new Set([...readIds(search.runs), ...ids])]);
}

export function toggleHidden(search: CompareSearch, id: string): CompareSearch {
  const hidden = readIds(search.hidden);
  const next = hidden.includes(id) ? hidden.filter((one) => one !== id) : [...hidden, id];
  return readCompareSearch({ ...search, hidden: next.join(",") });
}

/** Parts of the page, in their order; the outline leads to each. */
export const COMPARE_PARTS = [
  ["summary", "Summary"],
  ["metrics", "Metrics"],
  ["config", "Config"],
  ["curves", "Curves"],
  ["evaluation", "Evaluation"],
  ["rows", "Row by row"],
  ["analysis", "Analysis"],
  ["media", "Media"],
  ["code", "Code"],
  ["environment", "Environment and data"],
] as const;
export type ComparePart = (typeof COMPARE_PARTS)[number][0];
