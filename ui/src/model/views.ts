/** Saved views of the runs page: what one holds, whether it was changed, and how two states compare. */

import { type RunsSearch, readRunsSearch } from "./search";

/** Bodies of a newer version are refused rather than misread. */
export const VIEW_VERSION = 1;
export const VIEW_NAME_MAX = 200;

export interface ViewBody {
  version: number;
  search: RunsSearch;
}

/** A document of the hub without its body, as lists give it. */
export interface ViewLine {
  id: string;
  project: string | null;
  name: string;
  owner: string;
  revision: number;
  updated_at: number;
}

export interface ViewDocument extends ViewLine {
  body: unknown;
}

/** The state without the view it came from. */
export function viewState(search: RunsSearch): RunsSearch {
  const { view: _view, rev: _rev, ...state } = search;
  return state;
}

export function viewBody(search: RunsSearch): ViewBody {
  return { version: VIEW_VERSION, search: viewState(search) };
}

/** The state a stored view brings back; undefined where this page cannot read it. */
export function readViewBody(body: unknown): RunsSearch | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { version, search } = body as Partial<ViewBody>;
  if (version !== VIEW_VERSION || typeof search !== "object" || search === null) return undefined;
  return viewState(readRunsSearch(search as Record<string, unknown>));
}

/** The same text for the same state, whatever the order it was written in. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(",")}}`;
}

export function sameState(a: RunsSearch, b: RunsSearch): boolean {
  return canonical(viewState(a)) === canonical(viewState(b));
}

/** What the page shows of the view its address names. */
export type ViewStanding =
  | { kind: "none" }
  | { kind: "saved" }
  | { kind: "changed" }
  /** Somebody saved it since it was opened here. */
  | { kind: "outdated"; revision: number };

export function viewStanding(search: RunsSearch, stored: ViewDocument | undefined): ViewStanding {
  if (!search.view || !stored) return { kind: "none" };
  const state = readViewBody(stored.body);
  if (state && sameState(state, search)) return { kind: "saved" };
  if (search.rev !== undefined && search.rev < stored.revision) {
    return { kind: "outdated", revision: stored.revision };
  }
  return { kind: "changed" };
}

/** The address after a view was opened: its state, and where it came from. */
export function opened(view: Pick<ViewDocument, "id" | "revision">, state: RunsSearch): RunsSearch {
  return { ...state, view: view.id, rev: view.revision };
}
