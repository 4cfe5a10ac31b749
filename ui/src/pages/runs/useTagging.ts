/** Sets and removes tags of many runs, a few at a time, and says how far it is and what failed. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { keys } from "~/api/queries";
import { runTags } from "~/api/workspace";

/** Requests under way at once. */
const TOGETHER = 6;

export interface Tagging {
  total: number;
  done: number;
  /** Runs that were not changed, and the first reason. */
  failed: number;
  reason: string | undefined;
  running: boolean;
}

export type Tags = Record<string, string | null>;

export function useTagging() {
  const queries = useQueryClient();
  const [state, setState] = useState<Tagging>();
  const start = useCallback(
    async (runs: readonly string[], tags: Tags): Promise<Tagging> => {
      const now: Tagging = { total: runs.length, done: 0, failed: 0, reason: undefined, running: true };
      const waiting = [...runs];
      const tell = () => setState({ ...now });
      tell();
      const work = async () => {
        for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
          try {
            await runTags(run, tags);
          } catch (error) {
            now.failed += 1;
            now.reason ??= error instanceof Error ? error.message : String(error);
          }
          now.done += 1;
          tell();
        }
      };
      await Promise.all(Array.from({ length: TOGETHER }, work));
      now.running = false;
      tell();
      const stale = [keys.runs, keys.sample, ["fields"]];
      await Promise.all(stale.map((queryKey) => queries.invalidateQueries({ queryKey })));
      return now;
    },
    [queries],
  );
  return { state, start };
}
