/** The curves and tables of one evaluation. */

import { useQuery } from "@tanstack/react-query";
import { evaluationQuery } from "~/api/queries";
import type { EvaluationView } from "~/api/types";
import { CalibrationChart } from "~/charts/CalibrationChart";
import { ConfusionMatrix } from "~/charts/ConfusionMatrix";
import { CurveChart, type CurveLine } from "~/charts/CurveChart";
import { DensityChart, ResidualChart } from "~/charts/RegressionCharts";
import { ErrorNotice, Loading, Panel } from "~/components/parts";
import { seriesColor } from "~/model/colors";
import { type Banding, bandOf, PRECISION_TEXT, precisionBand, ROC_TEXT, rocBand } from "~/model/curveBands";
import { type Confusion, type Curve, positivesOf, readCurves } from "~/model/curves";
import { readSlices } from "~/model/slices";
import { ClassTable } from "./ClassTable";
import { SlicePanel } from "./SlicePanel";

function linesOf(curves: readonly Curve[], confusion: Confusion | undefined, banding: Banding): CurveLine[] {
  return curves.map((curve, i) => ({
    key: curve.label,
    label: curve.label,
    color: seriesColor(i),
    curve,
    ...bandOf(curve, positivesOf(confusion, curve.label), banding),
  }));
}

export function EvaluationCurves({ evaluation }: { evaluation: EvaluationView }) {
  const query = useQuery(evaluationQuery(evaluation.id, evaluation.state));
  if (query.isPending) return <Loading />;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  const curves = readCurves(query.data.curves);
  const slices = readSlices(query.data.curves);
  const { confusion, calibration } = curves;
  const roc = linesOf(curves.roc, confusion, rocBand);
  const precision = linesOf(curves.precisionRecall, confusion, precisionBand);
  const name = calibration?.label ?? "top class";
  return (
    <>
      <div className="columns curves">
        {confusion && (
          <Panel title="Confusion matrix">
            <ConfusionMatrix confusion={confusion} />
          </Panel>
        )}
        {curves.perClass.length > 0 && (
          <Panel title="Each class against the rest" flush>
            <ClassTable classes={curves.perClass} />
          </Panel>
        )}
        {roc.length > 0 && (
          <Panel title="ROC">
            <CurveChart
              title="Receiver operating characteristic"
              lines={roc}
              xLabel="false positive rate"
              yLabel="true positive rate"
              scoreName="area"
              diagonal
              wilsonText={ROC_TEXT}
            />
          </Panel>
        )}
        {precision.length > 0 && (
          <Panel title="Precision and recall">
            <CurveChart
              title="Precision against recall"
              lines={precision}
              xLabel="recall"
              yLabel="precision"
              scoreName="average precision"
              diagonal={false}
              wilsonText={PRECISION_TEXT}
            />
          </Panel>
        )}
        {calibration && (
          <Panel title="Calibration">
            <CalibrationChart lines={[{ key: name, label: name, color: "var(--accent)", calibration }]} />
          </Panel>
        )}
        {curves.density && (
          <Panel title="Predicted against true">
            <DensityChart density={curves.density} />
          </Panel>
        )}
        {curves.residuals && (
          <Panel title="Residuals">
            <ResidualChart histogram={curves.residuals} />
          </Panel>
        )}
      </div>
      {slices.length > 0 && (
        <section className="stack" aria-label="Slices">
          <div className="columns curves">
            {slices.map((column) => (
              <SlicePanel key={column.column} column={column} evaluation={evaluation} />
            ))}
          </div>
        </section>
      )}
    </>
  );
}
