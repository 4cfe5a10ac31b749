/** The lines of the runs table with the API's types. */

import type { RunFound, RunGroup } from "~/api/types";
import type { Answer, Line } from "~/model/lines";

export type RunLine = Line<RunFound, RunGroup>;
export type RunAnswer = Answer<RunFound, RunGroup>;

/** What is selected: runs by id, for as long as the page is open. */
export interface Selection {
  ids: ReadonlyMap<string, RunFound>;
  /** `at`: the place of the row this was done at, where a later range begins. */
  set: (runs: readonly RunFound[], on: boolean, at?: number) => void;
  /** The row picked last. */
  anchor: () => number | undefined;
  clear: () => void;
}

/** The eyes of the table's rows: what the charts draw. */
export interface Sight {
  isOpen: (key: string, at: number | undefined) => boolean;
  look: (key: string, at: number | undefined, open: boolean) => void;
  /** The colour a group's lines have, or would have alone. */
  groupColor: (query: string) => number;
}
