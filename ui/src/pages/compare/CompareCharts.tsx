/** Curves of the compared runs on top of each other. */

import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { metricsQuery } from "~/api/queries";
import type { MetricView, RunSummary } from "~/api/types";
import { ChartWorkspace } from "~/charts/workspace/ChartWorkspace";
import { useKeptLayout } from "~/charts/workspace/useKeptLayout";
import { Swatch } from "~/components/parts";
import { isSystem } from "~/model/metrics";
import { AddPanel } from "./AddPanel";

/** Curves a report takes over at once; more are chosen there. */
const REPORTED_MAX = 12;

/** Metrics with a curve, two points or more, in at least two of the runs. */
function sharedMetrics(lists: readonly (readonly MetricView[])[]): string[] {
  const runs = new Map<string, number>();
  for (const { name, count } of lists.flat()) {
    if (!isSystem(name) && count >= 2) runs.set(name, (runs.get(name) ?? 0) + 1);
  }
  return [...runs].filter(([, count]) => count >= 2).map(([name]) => name);
}

export function CompareCharts({
  runs,
  colors,
}: {
  runs: readonly RunSummary[];
  colors: ReadonlyMap<string, number>;
}) {
  const [layout, setLayout] = useKeptLayout("compare");
  const answers = useQueries({ queries: runs.map((run) => metricsQuery(run.id)) });
  const shared = sharedMetrics(answers.map((answer) => answer.data?.metrics ?? []));
  const chartRuns = useMemo(
    () =>
      runs.map((run) => ({
        id: run.id,
        name: run.name,
        color: colors.get(run.id) ?? 0,
        seedGroup: run.group ?? undefined,
      })),
    [runs, colors],
  );
  return (
    <div className="stack">
      <div className="toolbar">
        <div className="legend grow">
          {chartRuns.map((run) => (
            <span key={run.id} className="row">
              <Swatch color={run.color} /> {run.name}
            </span>
          ))}
        </div>
        {shared.length > 0 && (
          <AddPanel
            panel={() => ({
              kind: "charts",
              runs: runs.map((run) => run.id),
              metrics: shared.slice(0, REPORTED_MAX),
              axis: "step",
              logY: false,
            })}
          />
        )}
      </div>
      <ChartWorkspace runs={chartRuns} layout={layout} onLayout={setLayout} />
    </div>
  );
}
