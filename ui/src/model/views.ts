/** Saved views of the runs page: what one holds, whether it was changed, and how two states compare. */

import { type RunsSearch, readRunsSearch } from "./search";

/** Bodies of a newer version are refused rather than misread. */
export const VIEW_VERSION = 1;
export const VIEW_NAME_MAX = 200;

export interface ViewBody {
  version: number;
  search: RunsSearch;
  /** The layout of the charts. It has its own place, since an address has no room for a large one. */
  charts?: unknown;
}

/** What a view brings back. */
export interface ViewContent {
  search: RunsSearch;
  charts: unknown;
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

/** The state a view keeps of an address; the layout of the charts is kept beside it. */
function keptState(search: RunsSearch): RunsSearch {
  const { charts: _charts, ...state } = viewState(search);
  return state;
}

export function viewBody({ search, charts }: ViewContent): ViewBody {
  return { version: VIEW_VERSION, search: keptState(search), ...(charts !== undefined && { charts }) };
}

/** The state a stored view brings back; undefined where this page cannot read it. */
export function readViewBody(body: unknown): ViewContent | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { version, search, charts } = body as Partial<ViewBody>;
  if (version !== VIEW_VERSION || typeof search !== "object" || search === null) return undefined;
  const state = readRunsSearch(search as Record<string, unknown>);
  // Views saved by earlier versions hold the layout among the state.
  return { search: keptState(state), charts: charts ?? state.charts };
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

export function sameLayout(a: unknown, b: unknown): boolean {
  return a === b || canonical(a) === canonical(b);
}

export function sameContent(a: ViewContent, b: ViewContent): boolean {
  return canonical(keptState(a.search)) === canonical(keptState(b.search)) && sameLayout(a.charts, b.charts);
}

/** What the page shows of the view its address names. */
export type ViewStanding =
  | { kind: "none" }
  | { kind: "saved" }
  | { kind: "changed" }
  /** Somebody saved it since it was opened here. */
  | { kind: "outdated"; revision: number };

export function viewStanding(now: ViewContent, stored: ViewDocument | undefined): ViewStanding {
  const { search } = now;
  if (!search.view || !stored) return { kind: "none" };
  const content = readViewBody(stored.body);
  if (content && sameContent(content, now)) return { kind: "saved" };
  if (search.rev !== undefined && search.rev < stored.revision) {
    return { kind: "outdated", revision: stored.revision };
  }
  return { kind: "changed" };
}

/** The address after a view was opened: its state, and where it came from. */
export function opened(view: Pick<ViewDocument, "id" | "revision">, state: RunsSearch): RunsSearch {
  return { ...state, view: view.id, rev: view.revision };
}
