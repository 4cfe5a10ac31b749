/** The metrics runs logged, found in a few of them: runs compared mostly log the same. */

import { useQueries } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { metricsQuery } from "~/api/queries";
import type { MetricView } from "~/api/types";
import type { ChartRun } from "../runs";

/** Runs looked at until the reader asks for all. */
const SAMPLE = 8;

/** What charts need to know of a metric. */
function identity({ name, label, group, direction }: MetricView): string {
  return JSON.stringify([name, label, group, direction]);
}

/** Evenly spread over the list, its first and last among them. */
function spread<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from(
    { length: count },
    (_, i) => list[Math.round((i * (list.length - 1)) / (count - 1))] as T,
  );
}

export function useMetrics(runs: readonly ChartRun[]) {
  const [all, setAll] = useState(false);
  const looked = useMemo(() => (all ? [...runs] : spread(runs, SAMPLE)), [runs, all]);
  const combine = useCallback(
    (answers: { data?: { metrics: MetricView[] } | undefined; isPending: boolean; error: unknown }[]) => {
      const byName = new Map<string, MetricView>();
      for (const { data } of answers) {
        for (const metric of data?.metrics ?? [])
          if (!byName.has(metric.name)) byName.set(metric.name, metric);
      }
      return {
        metrics: [...byName.values()],
        pending: byName.size === 0 && answers.some((answer) => answer.isPending),
        error: byName.size === 0 ? answers.find((answer) => answer.error)?.error : undefined,
      };
    },
    [],
  );
  const found = useQueries({ queries: looked.map((run) => metricsQuery(run.id)), combine });
  // A list that only has newer last values is the same list: charts need not be drawn for it.
  const key = useMemo(() => JSON.stringify(found.metrics.map(identity).sort()), [found.metrics]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is what matters of the metrics
  const metrics = useMemo(() => found.metrics, [key]);
  return {
    metrics,
    pending: found.pending,
    error: found.error,
    looked: looked.length,
    lookAtAll: () => setAll(true),
  };
}
