/** Curves of the compared runs on top of each other, for every metric two of them share. */

import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { metricsQuery } from "~/api/queries";
import type { MetricView, RunSummary } from "~/api/types";
import { ChartControls, useChartSettings } from "~/charts/ChartControls";
import { MetricChart } from "~/charts/MetricChart";
import { Loading, Swatch } from "~/components/parts";
import { isSystem, sections } from "~/model/metrics";
import { AddPanel } from "./AddPanel";

/** Up to this many charts stand in one grid; more are told apart by section. */
const SECTIONS_FROM = 6;
/** Curves a report takes over at once; more are chosen there. */
const REPORTED_MAX = 12;

/** A metric with a curve: two points or more in at least two of the runs. */
function sharedMetrics(lists: readonly (readonly MetricView[])[]): MetricView[] {
  const seen = new Map<string, { metric: MetricView; runs: number }>();
  for (const list of lists) {
    for (const metric of list) {
      if (isSystem(metric.name) || metric.count < 2) continue;
      const known = seen.get(metric.name);
      if (known) known.runs += 1;
      else seen.set(metric.name, { metric, runs: 1 });
    }
  }
  return [...seen.values()].filter((one) => one.runs >= 2).map((one) => one.metric);
}

export function CompareCharts({
  runs,
  colors,
}: {
  runs: readonly RunSummary[];
  colors: ReadonlyMap<string, number>;
}) {
  const [settings, setSettings] = useChartSettings();
  const answers = useQueries({ queries: runs.map((run) => metricsQuery(run.id)) });
  const chartRuns = useMemo(
    () => runs.map((run) => ({ id: run.id, name: run.name, color: colors.get(run.id) ?? 0 })),
    [runs, colors],
  );
  if (answers.some((answer) => answer.isPending)) return <Loading />;
  const shared = sharedMetrics(answers.map((answer) => answer.data?.metrics ?? []));
  if (shared.length === 0)
    return <p className="muted">No two of these runs logged a curve of the same name.</p>;
  return (
    <>
      <div className="toolbar">
        <span className="grow" />
        <ChartControls settings={settings} onChange={setSettings} />
        <AddPanel
          panel={() => ({
            kind: "charts",
            runs: runs.map((run) => run.id),
            metrics: shared.slice(0, REPORTED_MAX).map((metric) => metric.name),
            axis: settings.axis,
            logY: settings.logY,
          })}
        />
      </div>
      <div className="legend">
        {chartRuns.map((run) => (
          <span key={run.id} className="row">
            <Swatch color={run.color} /> {run.name}
          </span>
        ))}
      </div>
      {(shared.length <= SECTIONS_FROM ? [["all", shared] as const] : sections(shared)).map(
        ([section, list]) => (
          <section key={section} className="stack tight" aria-label={section}>
            {shared.length > SECTIONS_FROM && <h3>{section}</h3>}
            <div className="chart-grid">
              {list.map((metric) => (
                <MetricChart
                  key={metric.name}
                  metric={metric.name}
                  title={metric.label ?? metric.name}
                  runs={chartRuns}
                  settings={settings}
                  syncKey="compare"
                />
              ))}
            </div>
          </section>
        ),
      )}
    </>
  );
}
