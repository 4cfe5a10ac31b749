/** The charts of many runs: one per metric, drawn only while on screen. */

import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { metricsQuery } from "~/api/queries";
import { ChartControls, useChartSettings } from "~/charts/ChartControls";
import { MetricChart } from "~/charts/MetricChart";
import { isSystem, sections } from "~/model/metrics";

export interface ChartRun {
  id: string;
  name: string;
  color: number;
  seedGroup?: string;
}

export interface ChartGroup {
  key: string;
  name: string;
  color: number;
  runs: string[];
}

export interface ChartWorkspaceProps {
  runs: readonly ChartRun[];
  groups: readonly ChartGroup[] | undefined;
  layout: unknown;
  onLayout: (layout: unknown) => void;
  onHover: (run: string | undefined) => void;
  hovered: string | undefined;
}

/** Runs whose metrics are looked up; others of the same experiment have the same. */
const ASKED_MAX = 8;

export function ChartWorkspace({ runs }: ChartWorkspaceProps) {
  const [settings, setSettings] = useChartSettings();
  const names = useQueries({
    queries: runs.slice(0, ASKED_MAX).map((run) => metricsQuery(run.id)),
    combine: (answers) => [
      ...new Set(answers.flatMap((answer) => answer.data?.metrics.map((metric) => metric.name) ?? [])),
    ],
  });
  const parts = useMemo(
    () => sections(names.filter((name) => !isSystem(name)).map((name) => ({ name }))),
    [names],
  );
  return (
    <div className="stack">
      <ChartControls settings={settings} onChange={setSettings} />
      {parts.map(([section, metrics]) => (
        <section key={section} className="stack tight" aria-label={section}>
          <div className="chart-grid">
            {metrics.map(({ name }) => (
              <MetricChart
                key={name}
                metric={name}
                title={name}
                runs={runs}
                settings={settings}
                syncKey="workspace"
              />
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}
