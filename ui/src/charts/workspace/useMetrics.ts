/**
 * The metrics of the charted runs. A few runs are looked at for all they know of theirs (label, section,
 * direction); what only others logged is found in the hub's list of names, so that no chart is missing.
 */

import { useQueries, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { metricNamesQuery, metricsQuery } from "~/api/queries";
import type { MetricView, RunFound } from "~/api/types";
import { loggedQuery } from "~/api/workspace";
import { type Candidate, candidates, checks, joined, present } from "~/model/metricNames";
import type { NamedMetric } from "~/model/workspace";
import type { ChartRun } from "../runs";

/** Runs looked at where there is a list of names for the others. */
const SAMPLE = 8;

export interface FoundMetric extends NamedMetric {
  direction?: string | null | undefined;
}

/** What charts need to know of a metric. */
function identity({ name, label, group, direction }: FoundMetric): string {
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

/** What the runs say of their own metrics. */
function useOwn(runs: readonly ChartRun[]) {
  const combine = useCallback(
    (answers: { data?: { metrics: MetricView[] } | undefined; isPending: boolean; error: unknown }[]) => {
      const byName = new Map<string, MetricView>();
      for (const { data } of answers) {
        for (const metric of data?.metrics ?? [])
          if (!byName.has(metric.name)) byName.set(metric.name, metric);
      }
      return {
        metrics: [...byName.values()],
        waiting: answers.some((answer) => answer.isPending),
        error: byName.size === 0 ? answers.find((answer) => answer.error)?.error : undefined,
      };
    },
    [],
  );
  return useQueries({ queries: runs.map((run) => metricsQuery(run.id)), combine });
}

/** Which of the names the charted runs have, asked some at a time. */
function useLogged(list: readonly Candidate[], runs: readonly ChartRun[]) {
  const ids = useMemo(() => runs.map((run) => run.id), [runs]);
  const pieces = useMemo(() => checks(list), [list]);
  const combine = useCallback(
    (answers: { data?: { runs: RunFound[] } | undefined }[]) =>
      present(answers.flatMap((answer) => answer.data?.runs ?? [])),
    [],
  );
  return useQueries({ queries: pieces.map((operands) => loggedQuery(ids, operands)), combine });
}

/**
 * `project`: where names are looked up, null for all projects; undefined: every run is looked at, for pages
 * that know all about their runs anyway.
 */
export function useMetrics(runs: readonly ChartRun[], project: string | null | undefined) {
  const listed = project !== undefined && runs.length > SAMPLE;
  const looked = useMemo(() => (listed ? spread(runs, SAMPLE) : [...runs]), [runs, listed]);
  const own = useOwn(looked);
  const names = useQuery({ ...metricNamesQuery(project ?? undefined), enabled: listed });
  const all = useMemo(() => candidates(names.data?.fields ?? []), [names.data]);
  const list = useMemo(() => {
    // Until the runs looked at have answered, every name would seem to be of others.
    if (!listed || own.waiting) return [];
    const known = new Set(own.metrics.map((metric) => metric.name));
    return all.filter((one) => !known.has(one.name));
  }, [listed, own, all]);
  const logged = useLogged(list, runs);
  const found: FoundMetric[] = useMemo(() => joined(own.metrics, list, logged), [own.metrics, list, logged]);
  // A list that only has newer last values is the same list: charts need not be drawn for it.
  const key = useMemo(() => JSON.stringify(found.map(identity).sort()), [found]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is what matters of the metrics
  const metrics = useMemo(() => found, [key]);
  const fields = names.data;
  return {
    metrics,
    pending: found.length === 0 && (own.waiting || (listed && names.isPending)),
    error: found.length === 0 ? own.error : undefined,
    /** Names the hub has beyond those listed. */
    beyond: listed && fields ? fields.total - fields.fields.length : 0,
  };
}
