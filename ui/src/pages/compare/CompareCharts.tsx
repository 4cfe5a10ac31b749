/** Curves of the compared runs on top of each other. */

import { useMemo } from "react";
import type { RunSummary } from "~/api/types";
import { ChartWorkspace } from "~/charts/workspace/ChartWorkspace";
import { useKeptLayout } from "~/charts/workspace/useKeptLayout";
import { Swatch } from "~/components/parts";

export function CompareCharts({
  runs,
  colors,
}: {
  runs: readonly RunSummary[];
  colors: ReadonlyMap<string, number>;
}) {
  const [layout, setLayout] = useKeptLayout("compare");
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
    <>
      <h2>Curves</h2>
      <div className="legend">
        {chartRuns.map((run) => (
          <span key={run.id} className="row">
            <Swatch color={run.color} /> {run.name}
          </span>
        ))}
      </div>
      <ChartWorkspace runs={chartRuns} layout={layout} onLayout={setLayout} />
    </>
  );
}
