/** What the compared runs were started with: asked for once a part that shows it comes on screen. */

import { useQueries } from "@tanstack/react-query";
import { runQuery } from "~/api/queries";
import type { RunDetail, RunSummary } from "~/api/types";

export type Details =
  | { state: "pending"; done: number }
  | { state: "failed"; error: Error; retry: () => void }
  | { state: "ready"; runs: readonly RunDetail[] };

export function useSnapshots(runs: readonly RunSummary[], enabled: boolean): Details {
  return useQueries({
    queries: runs.map((run) => ({ ...runQuery(run.id), enabled })),
    combine: (answers): Details => {
      const failed = answers.filter((answer) => answer.isError);
      const first = failed[0];
      if (first?.error) {
        return {
          state: "failed",
          error: first.error,
          retry: () => {
            for (const answer of failed) void answer.refetch();
          },
        };
      }
      const data = answers.flatMap((answer) => answer.data ?? []);
      return data.length === runs.length
        ? { state: "ready", runs: data }
        : { state: "pending", done: data.length };
    },
  });
}
