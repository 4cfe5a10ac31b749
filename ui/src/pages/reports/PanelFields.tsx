/** Choices of panels of curves, metrics and evaluations. */

import { useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { metricsQuery } from "~/api/queries";
import { Segments } from "~/components/parts";
import { plural } from "~/model/format";
import { isSystem } from "~/model/metrics";
import { chartsOf, evaluationChartName, labelsOf } from "~/model/overlay";
import type { ChartsPanel, EvaluationPanel, MetricsPanel } from "~/model/report";
import { EVALUATION_CHARTS } from "~/model/report";
import { useEvaluations } from "~/pages/compare/useEvaluations";
import type { FigureRun } from "./figures/ChartFigure";
import { Field, type FieldProps, type RunFieldProps } from "./PanelEditor";

/** Runs whose metrics are offered; their names are mostly the same. */
const ASKED_RUNS = 5;
const OFFERED_MAX = 60;

/** Names of metrics with a curve. */
function useMetricNames(runs: readonly FigureRun[]): string[] {
  const answers = useQueries({ queries: runs.slice(0, ASKED_RUNS).map((run) => metricsQuery(run.id)) });
  const metrics = answers.flatMap((answer) => answer.data?.metrics ?? []);
  const names = metrics.filter((one) => one.count > 1 && !isSystem(one.name)).map((one) => one.name);
  return [...new Set(names)].sort((a, b) => a.localeCompare(b));
}

export function ChartsFields({ panel, onChange, present }: RunFieldProps<ChartsPanel>) {
  const names = useMetricNames(present);
  const [find, setFind] = useState("");
  const all = [...new Set([...panel.metrics, ...names])];
  const offered = all.filter((name) => name.toLowerCase().includes(find.trim().toLowerCase()));
  const toggle = (name: string) =>
    onChange({
      ...panel,
      metrics: panel.metrics.includes(name)
        ? panel.metrics.filter((one) => one !== name)
        : [...panel.metrics, name],
    });
  return (
    <>
      <Field label="Metrics">
        {all.length > 12 && (
          <input
            type="search"
            className="input"
            aria-label="Find a metric of the panel"
            placeholder={`Find among ${plural(all.length, "metric")}`}
            value={find}
            onChange={(event) => setFind(event.target.value)}
          />
        )}
        <div className="row wrap metric-choice">
          {offered.slice(0, OFFERED_MAX).map((name) => (
            <button
              key={name}
              type="button"
              className="chip"
              aria-pressed={panel.metrics.includes(name)}
              onClick={() => toggle(name)}
            >
              {name}
            </button>
          ))}
          {offered.length > OFFERED_MAX && (
            <span className="muted small">and {offered.length - OFFERED_MAX} more: type to find them</span>
          )}
          {all.length === 0 && <span className="muted small">These runs logged no curve.</span>}
        </div>
      </Field>
      <Field label="Axes">
        <div className="row wrap">
          <Segments
            label="Horizontal axis of the panel"
            value={panel.axis}
            onChange={(axis) => onChange({ ...panel, axis })}
            options={[
              ["step", "Step"],
              ["relative", "Time"],
              ["wall", "Clock"],
            ]}
          />
          <label className="row small">
            <input
              type="checkbox"
              checked={panel.logY}
              onChange={(event) => onChange({ ...panel, logY: event.target.checked })}
            />{" "}
            logarithmic
          </label>
        </div>
      </Field>
    </>
  );
}

export function MetricsFields({ panel, onChange }: FieldProps<MetricsPanel>) {
  return (
    <Field label="Columns">
      <Segments
        label="Columns of the panel"
        value={panel.by}
        onChange={(by) => onChange({ ...panel, by })}
        options={[
          ["runs", "Runs"],
          ["groups", "Seed groups with tests"],
        ]}
      />
    </Field>
  );
}

export function EvaluationFields({ panel, onChange, present }: RunFieldProps<EvaluationPanel>) {
  const colors = useMemo(() => new Map(present.map((run) => [run.id, run.color])), [present]);
  const { splits, split, runs } = useEvaluations(present, colors, panel.split);
  const charts = chartsOf(runs);
  const labels = labelsOf(runs, panel.chart);
  return (
    <Field label="Curve">
      <div className="row wrap">
        <Segments
          label="Curve of the panel"
          value={panel.chart}
          onChange={(chart) => onChange({ ...panel, chart })}
          options={EVALUATION_CHARTS.filter((one) => one === panel.chart || charts.includes(one)).map(
            (one) => [one, evaluationChartName(one)],
          )}
        />
        {splits.length > 1 && (
          <select
            className="select"
            aria-label="Split of the panel"
            value={split ?? ""}
            onChange={(event) => onChange({ ...panel, split: event.target.value })}
          >
            {splits.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        )}
        {labels.length > 1 && (
          <label className="row small muted">
            Class
            <select
              className="select"
              value={panel.label ?? labels[0] ?? ""}
              onChange={(event) => onChange({ ...panel, label: event.target.value })}
            >
              {labels.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
      </div>
    </Field>
  );
}
