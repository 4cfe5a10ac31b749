/** State that lives in the address: what a link to a page brings back. */

import { joinList, quoted, splitList } from "./language";
import { readOrder, writeOrder } from "./order";
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
}

const TEXT_MAX = 16 * 1024;

function text(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value.slice(0, TEXT_MAX) : undefined;
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
  const cols = text(raw.cols);
  if (cols !== undefined) result.cols = cols;
  return result;
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
