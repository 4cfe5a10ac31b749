/** Curves of several metrics with one legend. */

import type { FigureSeries } from "~/model/figure";
import type { ChartsPanel } from "~/model/report";
import { ChartFigure, type FigureRun } from "./ChartFigure";
import { Legend } from "./Legend";

export function ChartsFigure(props: {
  panel: ChartsPanel;
  runs: readonly FigureRun[];
  series: ReadonlyMap<string, readonly FigureSeries[]>;
}) {
  const { panel, runs, series } = props;
  if (panel.metrics.length === 0) return <p className="muted">No metric is chosen for this panel.</p>;
  return (
    <div className="stack tight">
      <Legend items={runs} />
      <div className="report-charts">
        {panel.metrics.map((metric) => (
          <ChartFigure
            key={metric}
            metric={metric}
            runs={runs}
            series={series.get(metric) ?? []}
            axis={panel.axis}
            logY={panel.logY}
          />
        ))}
      </div>
    </div>
  );
}
