/** State that lives in the address: what a link to a page brings back. */

import { isRunState, RUN_STATES, type RunState } from "./states";

export interface RunsSearch {
  q?: string;
  state?: string;
  experiment?: string;
  sort?: string;
  order?: "asc" | "desc";
  /** `false` shows every run on its own. */
  grouped?: boolean;
  /** Columns chosen, comma separated; absent: the default choice. */
  cols?: string;
}

const TEXT_MAX = 2_000;

function text(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value.slice(0, TEXT_MAX) : undefined;
}

/** Only what has a meaning survives, so a mangled link still opens the page. */
export function readRunsSearch(raw: Record<string, unknown>): RunsSearch {
  const result: RunsSearch = {};
  const q = text(raw.q);
  if (q) result.q = q;
  const states = readStates(text(raw.state));
  if (states.length > 0) result.state = states.join(",");
  const experiment = text(raw.experiment);
  if (experiment) result.experiment = experiment;
  const sort = text(raw.sort);
  if (sort && isSort(sort)) {
    result.sort = sort;
    result.order = raw.order === "asc" ? "asc" : "desc";
  }
  if (raw.grouped === false || raw.grouped === "false") result.grouped = false;
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

/** Whether the hub can sort by it. */
export function isSort(sort: string): boolean {
  return /^(created|name|state|started)$|^(metric|evaluated|param):.+$/.test(sort);
}

/** Next sort when a column's head is pressed: descending, ascending, none. */
export function nextSort(
  current: Pick<RunsSearch, "sort" | "order">,
  column: string,
): Pick<RunsSearch, "sort" | "order"> {
  if (current.sort !== column) return { sort: column, order: "desc" };
  if (current.order === "desc") return { sort: column, order: "asc" };
  return { sort: undefined, order: undefined };
}

export interface CompareSearch {
  runs: string;
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
