/** Evaluations of several runs on one split, with their curves. */

import { type UseQueryResult, useQueries } from "@tanstack/react-query";
import { evaluationQuery, evaluationsQuery } from "~/api/queries";
import type { EvaluationDetail } from "~/api/types";
import { type Curves, readCurves } from "~/model/curves";
import { type EvaluatedRun, splitsOf } from "~/model/overlay";

export interface Evaluations {
  pending: boolean;
  error: Error | null;
  splits: string[];
  split: string | undefined;
  runs: EvaluatedRun[];
}

interface Named {
  id: string;
  name: string;
}

/** The curves of each run; the library calls this only when an answer changed. */
function readAll(answers: UseQueryResult<EvaluationDetail, Error>[]) {
  return {
    pending: answers.some((answer) => answer.isPending),
    error: answers.find((answer) => answer.error)?.error ?? null,
    curves: answers.flatMap(({ data }): [string, Curves][] =>
      data ? [[data.run, readCurves(data.curves)]] : [],
    ),
  };
}

export function useEvaluations(
  runs: readonly Named[],
  colors: ReadonlyMap<string, number>,
  wanted: string | undefined,
): Evaluations {
  const lists = useQueries({ queries: runs.map((run) => evaluationsQuery(run.id)) });
  const splits = splitsOf(lists.map((list) => list.data?.evaluations ?? []));
  const split = splits.find((one) => one === wanted) ?? splits[0];
  const chosen = lists.map((list) =>
    list.data?.evaluations.find((one) => one.split === split && one.state === "done"),
  );
  const details = useQueries({
    queries: chosen.flatMap((one) => (one ? [evaluationQuery(one.id, one.state)] : [])),
    combine: readAll,
  });
  const read = new Map(details.curves);
  return {
    pending: lists.some((list) => list.isPending) || details.pending,
    error: lists.find((list) => list.error)?.error ?? details.error,
    splits,
    split,
    runs: runs.map((run) => ({
      id: run.id,
      name: run.name,
      color: colors.get(run.id) ?? 0,
      curves: read.get(run.id),
    })),
  };
}
