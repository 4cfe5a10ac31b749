/** Series of attempts that later ones superseded: read once, since an attempt that was left logs no more. */

import { queryOptions } from "@tanstack/react-query";
import type { Branch } from "~/model/attempts";
import type { XAxis } from "~/model/series";
import { client } from "./client";
import { packedSeries } from "./packedSeries";
import { keys } from "./queries";

/** Points of a branch at most. */
const BRANCH_POINTS = 2000;
/** Metrics that are asked whether a branch has points of them. */
const ASKED_MAX = 100;

interface BranchRequest {
  run: string;
  attempt: number;
  metrics: readonly string[];
  axis: XAxis;
  range: readonly [number, number] | undefined;
}

export const branchSeriesQuery = ({ run, attempt, metrics, axis, range }: BranchRequest) =>
  queryOptions({
    queryKey: ["branch-series", run, attempt, metrics, axis, range] as const,
    queryFn: async ({ signal }) => {
      const [from, to] = range ?? [null, null];
      const reduction = "envelope" as const;
      const body = { runs: [run], metrics: [...metrics], attempt, axis, from, to, reduction };
      return packedSeries({ ...body, max_points: BRANCH_POINTS }, signal);
    },
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Whether an attempt logged anything that was superseded. */
export const branchExistsQuery = (run: string, branch: Branch) =>
  queryOptions({
    queryKey: [...keys.run(run), "branch", branch] as const,
    queryFn: async ({ signal }) => {
      const { metrics } = await client.metrics(run, signal);
      if (metrics.length === 0) return false;
      const reply = await client.series(
        {
          runs: [run],
          metrics: metrics.slice(0, ASKED_MAX).map((metric) => metric.name),
          attempt: branch.attempt,
          from: branch.afterStep === undefined ? null : branch.afterStep + 1,
          reduction: "envelope",
          max_points: 4,
        },
        signal,
      );
      return reply.series.some((series) => series.total > 0);
    },
  });
