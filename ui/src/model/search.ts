/** State that lives in the address: what a link to a page brings back. */

import { readTop } from "./charted";
import { joinList, quoted, splitList } from "./language";
import { readOrder, writeOrder } from "./order";
import { readWidths, writeWidths } from "./placing";
import { isRunState, RUN_STATES, type RunState } from "./states";

export interface RunsSearch {
  /** A condition in the query language. */
  query?: string;
  state?: string;
  experiment?: string;
  /** The order, such as `metrics.acc desc,params.lr`. */
  sort?: string;
  /** What runs are grouped by, such as `params.lr`; absent: they are not. */
  group?: string;
  /** Columns chosen, comma separated; absent: the default choice. */
  cols?: string;
  /** Columns that stay in view at the left. */
  pins?: string;
  /** Chosen widths, such as `metrics.loss:180`. */
  widths?: string;
  /** Metrics whose cells show their curve; absent: the default choice, `none`: none. */
  curves?: string;
  /** Archived runs are left out unless this says otherwise. */
  archived?: "shown";
  /** What is on screen; absent: what there is room for. */
  show?: Show;
  /** The table's share of the width in percent. */
  split?: number;
  /** How many of the first rows are charted. */
  top?: number;
  /** Runs, or groups, charted besides; and those that are not. */
  on?: string;
  off?: string;
  /** Settings of the chart grid, which alone knows what they mean. */
  charts?: Record<string, unknown>;
  /** A saved view, and its revision once its state was copied into the address. */
  view?: string;
  rev?: number;
}

export const SHOWS = ["table", "both", "charts"] as const;
export type Show = (typeof SHOWS)[number];

export const SPLIT_DEFAULT = 52;
export const SPLIT_MIN = 20;
export const SPLIT_MAX = 80;
/** Settings of charts that are longer than this stay out of the address. */
export const CHARTS_MAX = 8 * 1024;
const TEXT_MAX = 16 * 1024;
/** Room for 2,000 columns of usual names. */
export const COLUMNS_TEXT_MAX = 40 * 1024;

function text(value: unknown, max = TEXT_MAX): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value.slice(0, max) : undefined;
}

function list(value: unknown): string | undefined {
  return joinList([...new Set(splitList(text(value) ?? ""))]) || undefined;
}

/** Only what has a meaning survives, so a mangled link still opens the page. */
export function readRunsSearch(raw: Record<string, unknown>): RunsSearch {
  const result: RunsSearch = {};
  // `q` is a text to find anywhere; the language says that in quotes.
  const found = text(raw.q);
  const query = text(raw.query) ?? (found === undefined ? undefined : quoted(found));
  if (query) result.query = query;
  const states = readStates(text(raw.state));
  if (states.length > 0) result.state = states.join(",");
  const experiment = text(raw.experiment);
  if (experiment) result.experiment = experiment;
  const sort = writeOrder(readOrder(text(raw.sort)));
  if (sort) result.sort = sort;
  const group = joinList(splitList(text(raw.group) ?? ""));
  if (group) result.group = group;
  const cols = text(raw.cols, COLUMNS_TEXT_MAX);
  if (cols !== undefined) result.cols = cols;
  return { ...result, ...readLooks(raw), ...readView(raw) };
}

/** How the table and the charts look. */
function readLooks(raw: Record<string, unknown>): RunsSearch {
  const result: RunsSearch = {};
  const pins = list(raw.pins);
  if (pins) result.pins = pins;
  const widths = writeWidths(readWidths(text(raw.widths)));
  if (widths) result.widths = widths;
  const curves = list(raw.curves);
  if (curves) result.curves = curves;
  if (raw.archived === "shown") result.archived = "shown";
  const show = SHOWS.find((one) => one === raw.show);
  if (show) result.show = show;
  const split = readSplit(raw.split);
  if (split !== undefined) result.split = split;
  const top = readTop(raw.top);
  if (top !== undefined) result.top = top;
  const [on, off] = [list(raw.on), list(raw.off)];
  if (on) result.on = on;
  if (off) result.off = off;
  const charts = readCharts(raw.charts);
  if (charts) result.charts = charts;
  return result;
}

function readView(raw: Record<string, unknown>): RunsSearch {
  const view = text(raw.view);
  if (!view) return {};
  const rev = Number(raw.rev);
  return Number.isInteger(rev) && rev > 0 ? { view, rev } : { view };
}

/** A whole percentage within bounds; undefined for the usual one. */
export function readSplit(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const split = Math.round(Math.min(SPLIT_MAX, Math.max(SPLIT_MIN, Number(value))));
  return Number.isFinite(split) && split !== SPLIT_DEFAULT ? split : undefined;
}

function readCharts(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return JSON.stringify(value).length <= CHARTS_MAX ? (value as Record<string, unknown>) : undefined;
}

/** States of the filter, known ones only, in their usual order. */
export function readStates(value: string | undefined): RunState[] {
  const named = new Set((value ?? "").split(",").filter(isRunState));
  return RUN_STATES.filter((state) => named.has(state));
}

/** The filter with one state switched. */
export function toggleState(value: string | undefined, state: RunState): string | undefined {
  const named = new Set(readStates(value));
  if (named.has(state)) named.delete(state);
  else named.add(state);
  const list = RUN_STATES.filter((one) => named.has(one));
  return list.length > 0 ? list.join(",") : undefined;
}

/** What is grouped by, with one operand switched; undefined when none is left. */
export function toggleGroup(value: string | undefined, operand: string): string | undefined {
  const keys = splitList(value ?? "");
  const next = keys.includes(operand) ? keys.filter((key) => key !== operand) : [...keys, operand];
  return next.length > 0 ? joinList(next) : undefined;
}

export const DELETED_TABS = ["runs", "ledger", "retention"] as const;
export type DeletedTab = (typeof DELETED_TABS)[number];

/** The page of deleted runs: its part, and the table's state. */
export interface DeletedSearch extends RunsSearch {
  tab?: DeletedTab;
}

export function readDeletedSearch(raw: Record<string, unknown>): DeletedSearch {
  const tab = DELETED_TABS.find((one) => one === raw.tab);
  return { ...readRunsSearch(raw), ...(tab && tab !== "runs" ? { tab } : {}) };
}

/** Ids of the runs to compare, without repeats, in the order given. */
export function readIds(runs: string | undefined): string[] {
  return [
    ...new Set(
      (runs ?? "")
        .split(",")
        .map((id) => id.trim())
        .filter(Boolean),
    ),
  ];
}

export const RUN_TABS = [
  "overview",
  "charts",
  "evaluation",
  "try",
  "media",
  "logs",
  "config",
  "system",
  "artifacts",
  "provenance",
] as const;
export type RunTab = (typeof RUN_TABS)[number];

/** The tab a link names; the overview when it names none. */
export function readTab(value: unknown): RunTab {
  return RUN_TABS.find((tab) => tab === value) ?? "overview";
}
