/** Curves of one metric as a drawing that prints and needs no script. */

import { seriesColor } from "~/model/colors";
import { FIGURE, type Figure, type FigureSeries, figureOf } from "~/model/figure";
import { formatDuration, formatNumber, formatTime, plural } from "~/model/format";
import type { XAxis } from "~/model/series";

export interface FigureRun {
  id: string;
  name: string;
  color: number;
}

const X_LABELS: Record<XAxis, string> = {
  step: "step",
  relative: "time since the start",
  wall: "date and time",
};

function xText(value: number, axis: XAxis): string {
  if (axis === "relative") return formatDuration(value);
  return axis === "wall" ? formatTime(value).slice(5, 16) : formatNumber(value, 3);
}

function Axes({ figure, axis }: { figure: Figure; axis: XAxis }) {
  const bottom = FIGURE.height - FIGURE.bottom;
  const right = FIGURE.width - FIGURE.right;
  // Dates are wide: every second one is enough.
  const xTicks = axis === "wall" ? figure.xTicks.filter((_, i) => i % 2 === 0) : figure.xTicks;
  return (
    <>
      {figure.yTicks.map((tick) => (
        <g key={tick.value}>
          <line className="grid" x1={FIGURE.left} x2={right} y1={tick.at} y2={tick.at} />
          <text x={FIGURE.left - 6} y={tick.at + 4} textAnchor="end">
            {formatNumber(tick.value, 3)}
          </text>
        </g>
      ))}
      {xTicks.map((tick) => (
        <text key={tick.value} x={tick.at} y={bottom + 15} textAnchor="middle">
          {xText(tick.value, axis)}
        </text>
      ))}
      <text x={(FIGURE.left + right) / 2} y={FIGURE.height - 4} textAnchor="middle">
        {X_LABELS[axis]}
      </text>
    </>
  );
}

export function ChartFigure(props: {
  metric: string;
  runs: readonly FigureRun[];
  series: readonly FigureSeries[];
  axis: XAxis;
  logY: boolean;
}) {
  const { metric, runs, series, axis, logY } = props;
  const figure = figureOf(series, axis, logY);
  const byId = new Map(runs.map((run) => [run.id, run]));
  const drawn = new Set(series.filter((one) => one.values.length > 0).map((one) => one.run));
  const silent = runs.filter((run) => !drawn.has(run.id));
  return (
    <figure className="report-figure">
      <figcaption>
        <strong>{metric}</strong>
        {logY && <span className="faint small"> logarithmic</span>}
      </figcaption>
      {figure ? (
        <svg
          className="svg-chart"
          viewBox={`0 0 ${FIGURE.width} ${FIGURE.height}`}
          role="img"
          aria-label={`Curves of ${metric}`}
        >
          <Axes figure={figure} axis={axis} />
          {figure.lines.map((line) => {
            const run = byId.get(line.run);
            return (
              <path key={line.run} className="curve" d={line.path} stroke={seriesColor(run?.color ?? 0)}>
                <title>{run?.name ?? line.run}</title>
              </path>
            );
          })}
        </svg>
      ) : (
        <p className="muted">No run has a value of this metric that can be drawn.</p>
      )}
      <p className="muted small">
        {[
          figure?.reduced ? "each part of the axis shows its extremes" : "",
          figure && figure.undrawn > 0 ? `${plural(figure.undrawn, "value")} cannot be drawn` : "",
          figure && silent.length > 0 ? `without it: ${silent.map((run) => run.name).join(", ")}` : "",
        ]
          .filter(Boolean)
          .join("; ")}
      </p>
    </figure>
  );
}
