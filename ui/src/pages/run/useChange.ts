/** Changes name, notes or tags of a run, and shows the answer at once. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { keys } from "~/api/queries";
import { patchRun, type RunChange } from "~/api/runPage";

export function useChange(run: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: RunChange) => patchRun(run, change),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: keys.run(run) }),
        queries.invalidateQueries({ queryKey: keys.runs }),
      ]),
  });
}
