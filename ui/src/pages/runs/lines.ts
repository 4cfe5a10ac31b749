/** The lines of the runs table with the API's types. */

import type { RunFound, RunGroup } from "~/api/types";
import type { Line } from "~/model/lines";

export type RunLine = Line<RunFound, RunGroup>;

/** What is selected: runs by id, for as long as the page is open. */
export interface Selection {
  ids: ReadonlyMap<string, RunFound>;
  set: (runs: readonly RunFound[], on: boolean) => void;
  clear: () => void;
}
