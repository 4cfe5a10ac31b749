/** The branches that resumes of a run left behind, as far as anything was logged in them. */

import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { branchExistsQuery } from "~/api/branches";
import type { RunDetail } from "~/api/types";
import { type Branch, branchesOf } from "~/model/attempts";

export function useRunBranches(run: RunDetail): readonly Branch[] | undefined {
  const possible = useMemo(() => branchesOf(run.attempts), [run.attempts]);
  const key = useQueries({
    queries: possible.map((branch) => branchExistsQuery(run.id, branch)),
    combine: (answers) => answers.map((answer) => (answer.data === true ? "1" : "0")).join(""),
  });
  return useMemo(() => possible.filter((_, i) => key[i] === "1"), [possible, key]);
}
