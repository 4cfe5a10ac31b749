/** What the runs page asks of the hub, from what its address says. */

import type { TableColumn } from "./columns";
import { narrowed, quoted, splitList } from "./language";
import { groupOrder, orderTexts, readOrder } from "./order";
import { type RunsSearch, readStates } from "./search";

/** The hub refuses to group by more. */
export const GROUP_KEYS_MAX = 8;
/** Statistics per group shown at once. */
const SUMMARISED_MAX = 20;

/** Shown among deleted runs, and nowhere else. */
export const DELETED = "deleted is not null";

/** Runs put aside have this tag; they are left out unless the reader wants them. */
export const ARCHIVED_TAG = "archived";
export const ARCHIVED_COLUMN = "tags.archived";
const ARCHIVED = "tags.archived is not null";
const NOT_ARCHIVED = "tags.archived is null";

/** The parts of a search that do not change from page to page. */
export interface RunsRequest {
  query: string;
  project: string | null;
  experiment: string | null;
  states: string[];
  order: string[];
  group_by: string[];
  summarise: string[];
  columns: string[];
}

export function groupKeys(search: RunsSearch): string[] {
  return splitList(search.group ?? "").slice(0, GROUP_KEYS_MAX);
}

/** Columns that are summarised in groups: those that hold numbers of the model. */
export function summarised(columns: readonly TableColumn[]): TableColumn[] {
  return columns.filter((column) => column.kind === "metric").slice(0, SUMMARISED_MAX);
}

/** The request, and where the reader's own query begins in its query. */
export function runsRequest(
  project: string | undefined,
  search: RunsSearch,
  columns: readonly TableColumn[],
  deleted: boolean,
): { request: RunsRequest; shift: number } {
  const own = search.query ?? "";
  const condition = deleted ? DELETED : search.archived ? undefined : NOT_ARCHIVED;
  const { query, shift } = condition ? narrowed(condition, own) : { query: own, shift: 0 };
  const group_by = groupKeys(search);
  const grouped = group_by.length > 0;
  const ids = (grouped ? summarised(columns) : columns).map((column) => column.id);
  const keys = readOrder(search.sort);
  const order = orderTexts(grouped ? groupOrder(keys, [...group_by, ...ids]) : keys);
  const request: RunsRequest = {
    query,
    project: project ?? null,
    experiment: search.experiment ?? null,
    states: readStates(search.state),
    order: order.length > 0 || grouped || !deleted ? order : ["deleted desc"],
    group_by,
    summarise: grouped ? ids : [],
    columns: grouped ? [] : ids,
  };
  return { request, shift };
}

/** Finds the archived runs that the reader's query would also find. */
export function archivedQuery(search: RunsSearch): string {
  return narrowed(ARCHIVED, search.query ?? "").query;
}

/** Hints about the reader's own text: what was put in front of it is not theirs to mend. */
export function ownHints<H extends { position: number }>(
  hints: readonly H[],
  shift: number,
  own: string,
): H[] {
  if (own.trim() === "") return [];
  return hints
    .filter((hint) => hint.position >= shift)
    .map((hint) => ({ ...hint, position: hint.position - shift }));
}

/** Whether a change of some run can move rows, or bring a run into an answer it was not in. */
export function movedByChanges(request: Pick<RunsRequest, "query" | "order">): boolean {
  const condition = [NOT_ARCHIVED, ""].includes(request.query) ? "" : request.query;
  return condition !== "" || request.order.length > 0;
}

/** Finds runs by their ids, deleted or not. */
export function byIds(ids: readonly string[]): string {
  return `id in (${ids.map((id) => quoted(id)).join(", ")}) and (deleted is null or deleted is not null)`;
}
