/** Evaluations of several runs as a drawing: curves of one class laid on each other, confusion side by side. */

import { ChartFrame, Diagonal, linePath } from "~/charts/frame";
import { seriesColor } from "~/model/colors";
import type { Confusion } from "~/model/curves";
import { rowNormalised } from "~/model/curves";
import { formatCount, formatNumber } from "~/model/format";
import {
  calibrations,
  confusions,
  type EvaluatedRun,
  evaluationChartName,
  labelsOf,
  type Overlaid,
  overlaid,
  without,
} from "~/model/overlay";
import type { EvaluationChart } from "~/model/report";
import { Legend } from "./Legend";

const UNIT = [0, 1] as const;
/** More classes than this are drawn without numbers in the cells. */
const NUMBERS_SHOWN_MAX = 20;
const HEAT_ALPHA_MAX = 60;

interface Line {
  id: string;
  name: string;
  color: number;
  points: readonly (readonly [number, number])[];
  note: string;
}

function Lines(props: {
  label: string;
  lines: readonly Line[];
  xLabel: string;
  yLabel: string;
  diagonal: boolean;
}) {
  return (
    <figure className="report-figure narrow">
      <ChartFrame label={props.label} x={UNIT} y={UNIT} xLabel={props.xLabel} yLabel={props.yLabel}>
        {(scales) => (
          <>
            {props.diagonal && <Diagonal scales={scales} />}
            {props.lines.map((line) => (
              <path
                key={line.id}
                className="curve"
                d={linePath(line.points, scales)}
                stroke={seriesColor(line.color)}
              >
                <title>{`${line.name}: ${line.note}`}</title>
              </path>
            ))}
          </>
        )}
      </ChartFrame>
      <Legend items={props.lines} />
    </figure>
  );
}

function curveLines(runs: readonly EvaluatedRun[], chart: EvaluationChart, label: string): Line[] {
  const score = chart === "roc" ? "area" : "average precision";
  return overlaid(runs, chart, label).map(({ what, ...run }) => ({
    ...run,
    points: what.x.map((x, i) => [x, what.y[i] ?? Number.NaN] as const),
    note: `${score} ${formatNumber(what.score)}`,
  }));
}

function calibrationLines(runs: readonly EvaluatedRun[]): Line[] {
  return calibrations(runs).map(({ what, ...run }) => {
    const count = what.bins.reduce((sum, bin) => sum + bin.count, 0);
    return {
      ...run,
      points: what.bins.flatMap((bin) =>
        bin.predicted === undefined || bin.observed === undefined
          ? []
          : [[bin.predicted, bin.observed] as const],
      ),
      note: `${formatCount(count)} examples`,
    };
  });
}

function Matrix({ run }: { run: Overlaid<Confusion> }) {
  const { labels, counts } = run.what;
  const shares = rowNormalised(counts);
  const numbered = labels.length <= NUMBERS_SHOWN_MAX;
  return (
    <figure className="report-figure">
      <figcaption className="row small">
        <span className="swatch" style={{ background: seriesColor(run.color) }} aria-hidden="true" />
        {run.name}
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="matrix-wrap" tabIndex={0} aria-label={`Confusion matrix of ${run.name}`}>
        <table className="matrix">
          <thead>
            <tr>
              <th scope="col">
                <span className="visually-hidden">true, predicted</span>
              </th>
              {labels.map((label) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {labels.map((truth, t) => (
              <tr key={truth}>
                <th scope="row">{truth}</th>
                {labels.map((predicted, p) => {
                  const count = counts[t]?.[p] ?? 0;
                  const heat = Math.sqrt(shares[t]?.[p] ?? 0) * HEAT_ALPHA_MAX;
                  return (
                    <td
                      key={predicted}
                      className={`${t === p ? "diagonal" : ""} ${count === 0 ? "zero" : ""}`}
                      style={
                        count > 0 ? { background: `rgb(var(--heat) / ${Math.round(heat)}%)` } : undefined
                      }
                      title={`${formatCount(count)} of class ${truth} predicted as ${predicted}`}
                    >
                      {numbered && formatCount(count)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </figure>
  );
}

function Drawing(props: { runs: readonly EvaluatedRun[]; chart: EvaluationChart; label: string }) {
  const { runs, chart, label } = props;
  if (chart === "confusion") {
    return (
      <>
        <p className="muted small">
          Rows: true class, columns: predicted; shaded by share of the true class.
        </p>
        <div className="columns curves">
          {confusions(runs).map((run) => (
            <Matrix key={run.id} run={run} />
          ))}
        </div>
      </>
    );
  }
  if (chart === "calibration") {
    return (
      <Lines
        label="Calibration of the runs"
        lines={calibrationLines(runs)}
        xLabel="predicted probability"
        yLabel="observed frequency"
        diagonal
      />
    );
  }
  const roc = chart === "roc";
  return (
    <Lines
      label={`${evaluationChartName(chart)} of the runs, class ${label}`}
      lines={curveLines(runs, chart, label)}
      xLabel={roc ? "false positive rate" : "recall"}
      yLabel={roc ? "true positive rate" : "precision"}
      diagonal={roc}
    />
  );
}

export function EvaluationFigure(props: {
  runs: readonly EvaluatedRun[];
  chart: EvaluationChart;
  label: string | undefined;
  split: string;
}) {
  const { runs, chart, split } = props;
  const labels = labelsOf(runs, chart);
  const label = labels.find((one) => one === props.label) ?? labels[0] ?? "";
  const missing = without(runs, chart);
  const ofClass = chart === "roc" || chart === "precision_recall" ? `, class ${label}` : "";
  return (
    <div className="stack tight">
      <p className="muted small">
        {evaluationChartName(chart)} on the split {split}
        {ofClass}
      </p>
      {missing.length < runs.length ? (
        <Drawing runs={runs} chart={chart} label={label} />
      ) : (
        <p className="muted">None of these runs has this curve.</p>
      )}
      {missing.length > 0 && missing.length < runs.length && (
        <p className="muted small">Without it: {missing.join(", ")}.</p>
      )}
    </div>
  );
}
