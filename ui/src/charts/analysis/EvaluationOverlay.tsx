/** One chart of several runs' evaluations: curves over each other, confusion matrices side by side. */

import { CalibrationChart } from "~/charts/CalibrationChart";
import { ConfusionMatrix } from "~/charts/ConfusionMatrix";
import { CurveChart } from "~/charts/CurveChart";
import { Swatch } from "~/components/parts";
import { seriesColor } from "~/model/colors";
import { bandOf, PRECISION_TEXT, precisionBand, ROC_TEXT, rocBand } from "~/model/curveBands";
import { positivesOf } from "~/model/curves";
import {
  calibrations,
  confusions,
  type EvaluatedRun,
  evaluationChartName,
  overlaid,
  sameEvent,
} from "~/model/overlay";
import type { EvaluationChart } from "~/model/report";

interface Props {
  runs: readonly EvaluatedRun[];
  chart: EvaluationChart;
  /** The class whose curves are drawn, where the chart has classes. */
  label: string;
}

export function EvaluationOverlay(props: Props) {
  if (props.chart === "calibration") return <Calibrations {...props} />;
  if (props.chart === "confusion") return <Confusions {...props} />;
  return <Lines {...props} />;
}

function Lines({ runs, chart, label }: Props) {
  const isRoc = chart === "roc";
  const banding = isRoc ? rocBand : precisionBand;
  const matrices = new Map(confusions(runs).map((one) => [one.id, one.what]));
  const lines = overlaid(runs, chart, label).map(({ id, name, color, what: curve }) => ({
    key: id,
    label: name,
    color: seriesColor(color),
    curve,
    ...bandOf(curve, positivesOf(matrices.get(id), label), banding),
  }));
  return (
    <CurveChart
      title={`${evaluationChartName(chart)} of class ${label}`}
      lines={lines}
      xLabel={isRoc ? "false positive rate" : "recall"}
      yLabel={isRoc ? "true positive rate" : "precision"}
      scoreName={isRoc ? "area" : "average precision"}
      diagonal={isRoc}
      wilsonText={isRoc ? ROC_TEXT : PRECISION_TEXT}
    />
  );
}

function Calibrations({ runs }: Props) {
  const lines = calibrations(runs).map(({ id, name, color, what }) => ({
    key: id,
    label: name,
    color: seriesColor(color),
    calibration: what,
  }));
  if (!sameEvent(lines.map((line) => line.calibration))) {
    return (
      <p className="muted">
        The runs predict the probability of different classes, so their calibrations do not compare.
      </p>
    );
  }
  return <CalibrationChart lines={lines} />;
}

function Confusions({ runs }: Props) {
  return (
    <div className="confusions">
      {confusions(runs).map(({ id, name, color, what }) => (
        <section key={id} className="stack tight" aria-label={name}>
          <h3 className="row truncate">
            <Swatch color={color} /> {name}
          </h3>
          <ConfusionMatrix confusion={what} label={`Confusion matrix of ${name}`} />
        </section>
      ))}
    </div>
  );
}
