/** Evaluations of several runs on one split, with their curves. */

import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { evaluationQuery, evaluationsQuery } from "~/api/queries";
import { readCurves } from "~/model/curves";
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
  const answers = useQueries({
    queries: chosen.flatMap((one) => (one ? [evaluationQuery(one.id, one.state)] : [])),
  });
  const bodies = answers.map((answer) => answer.data);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the answers are what changes
  const read = useMemo(
    () => new Map(bodies.flatMap((body) => (body ? [[body.run, readCurves(body.curves)] as const] : []))),
    [...bodies],
  );
  return {
    pending: lists.some((list) => list.isPending) || answers.some((answer) => answer.isPending),
    error: [...lists, ...answers].find((answer) => answer.error)?.error ?? null,
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
