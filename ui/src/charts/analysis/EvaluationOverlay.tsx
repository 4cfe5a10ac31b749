/** Evaluations of several runs: ROC, precision-recall and calibration over each other, confusion matrices side by side. */

import { useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { evaluationQuery, evaluationsQuery } from "~/api/queries";
import { CalibrationChart } from "~/charts/CalibrationChart";
import { ConfusionMatrix } from "~/charts/ConfusionMatrix";
import { CurveChart, type CurveLine } from "~/charts/CurveChart";
import { ErrorNotice, Loading, Segments, Swatch } from "~/components/parts";
import { seriesColor } from "~/model/colors";
import { PRECISION_TEXT, precisionBand, ROC_TEXT, rocBand } from "~/model/curveBands";
import { type Curves, positivesOf, readCurves } from "~/model/curves";
import {
  curvesOf,
  type OverlayKind,
  type OverlayRun,
  overlayKinds,
  overlayLabels,
  sameEvent,
  sharedSplits,
} from "~/model/evaluationOverlay";
import { plural } from "~/model/format";

const KIND_TEXT: Record<OverlayKind, string> = {
  roc: "ROC",
  precision: "Precision and recall",
  calibration: "Calibration",
  confusion: "Confusion",
};
/** Evaluations fetched at most: more lines are not told apart. */
export const OVERLAY_RUNS_MAX = 12;

interface Loaded {
  run: OverlayRun;
  curves: Curves;
}

function useEvaluations(runs: readonly OverlayRun[]) {
  const answers = useQueries({ queries: runs.map((run) => evaluationsQuery(run.id)) });
  return {
    lists: answers.map((answer) => answer.data?.evaluations ?? []),
    pending: answers.some((answer) => answer.isPending),
    error: answers.find((answer) => answer.isError)?.error,
  };
}

function useCurves(
  runs: readonly OverlayRun[],
  lists: ReturnType<typeof useEvaluations>["lists"],
  split: string,
) {
  const wanted = runs.flatMap((run, i) => {
    const found = lists[i]?.find((one) => one.split === split && one.state === "done");
    return found ? [{ run, evaluation: found }] : [];
  });
  return useQueries({
    queries: wanted.map(({ evaluation }) => evaluationQuery(evaluation.id, evaluation.state)),
    combine: (answers) => ({
      loaded: answers.flatMap((answer, i): Loaded[] => {
        const run = wanted[i]?.run;
        return answer.data && run ? [{ run, curves: readCurves(answer.data.curves) }] : [];
      }),
      pending: answers.some((answer) => answer.isPending),
      error: answers.find((answer) => answer.isError)?.error,
    }),
  });
}

export function EvaluationOverlay({ runs: all }: { runs: readonly OverlayRun[] }) {
  const runs = useMemo(() => all.slice(0, OVERLAY_RUNS_MAX), [all]);
  const { lists, pending, error } = useEvaluations(runs);
  const splits = sharedSplits(lists);
  const [chosen, setChosen] = useState<string>();
  const split = chosen !== undefined && splits.includes(chosen) ? chosen : (splits[0] ?? "");
  const curves = useCurves(runs, lists, split);
  const failed = error ?? curves.error;
  if (failed) return <ErrorNotice error={failed} />;
  if (pending || curves.pending) return <Loading />;
  if (splits.length === 0) {
    return (
      <p className="muted">
        None of these runs was evaluated: name splits under `evaluation` in the experiment file.
      </p>
    );
  }
  const without = runs.length - curves.loaded.length;
  return (
    <div className="stack overlay">
      <Body key={split} loaded={curves.loaded}>
        {splits.length > 1 && (
          <Segments
            label="Split"
            value={split}
            onChange={setChosen}
            options={splits.map((one) => [one, one])}
          />
        )}
      </Body>
      <p className="small muted">
        {splits.length === 1 && `Split ${split}. `}
        {without > 0 && `${plural(without, "run")} without an evaluation of ${split}. `}
        {all.length > runs.length && `Only the first ${OVERLAY_RUNS_MAX} of ${all.length} runs are drawn.`}
      </p>
    </div>
  );
}

function Body({ loaded, children }: { loaded: readonly Loaded[]; children: React.ReactNode }) {
  const all = loaded.map((one) => one.curves);
  const kinds = overlayKinds(all);
  const [wish, setWish] = useState<OverlayKind>("roc");
  const kind = kinds.includes(wish) ? wish : kinds[0];
  const labels = kind ? overlayLabels(all, kind) : [];
  const [named, setNamed] = useState<string>();
  const label = named !== undefined && labels.includes(named) ? named : (labels[0] ?? "");
  if (!kind)
    return <p className="muted">These evaluations have no curves of classes to lay over each other.</p>;
  return (
    <>
      <div className="row wrap">
        {children}
        <Segments
          label="What is compared"
          value={kind}
          onChange={setWish}
          options={kinds.map((one) => [one, KIND_TEXT[one]])}
        />
        {labels.length > 1 && (
          <label className="analysis-select">
            Class
            <select className="select" value={label} onChange={(event) => setNamed(event.target.value)}>
              {labels.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      {(kind === "roc" || kind === "precision") && <Lines loaded={loaded} kind={kind} label={label} />}
      {kind === "calibration" && <Calibrations loaded={loaded} />}
      {kind === "confusion" && <Confusions loaded={loaded} />}
    </>
  );
}

function Lines({
  loaded,
  kind,
  label,
}: {
  loaded: readonly Loaded[];
  kind: "roc" | "precision";
  label: string;
}) {
  const banding = kind === "roc" ? rocBand : precisionBand;
  const lines = loaded.flatMap(({ run, curves }): CurveLine[] => {
    const curve = curvesOf(curves, kind).find((one) => one.label === label);
    if (!curve) return [];
    const band = banding(curve, positivesOf(curves.confusion, label));
    return [{ key: run.id, label: run.name, color: seriesColor(run.color), curve, band }];
  });
  const isRoc = kind === "roc";
  return (
    <CurveChart
      title={`${KIND_TEXT[kind]} of class ${label}`}
      lines={lines}
      xLabel={isRoc ? "false positive rate" : "recall"}
      yLabel={isRoc ? "true positive rate" : "precision"}
      scoreName={isRoc ? "area" : "average precision"}
      diagonal={isRoc}
      bandText={lines.some((line) => line.band) ? (isRoc ? ROC_TEXT : PRECISION_TEXT) : undefined}
    />
  );
}

function Calibrations({ loaded }: { loaded: readonly Loaded[] }) {
  const lines = loaded.flatMap(({ run, curves }) =>
    curves.calibration
      ? [{ key: run.id, label: run.name, color: seriesColor(run.color), calibration: curves.calibration }]
      : [],
  );
  if (!sameEvent(lines.map((line) => line.calibration))) {
    return (
      <p className="muted">
        The runs predict the probability of different classes, so their calibrations do not compare.
      </p>
    );
  }
  return <CalibrationChart lines={lines} />;
}

function Confusions({ loaded }: { loaded: readonly Loaded[] }) {
  return (
    <div className="confusions">
      {loaded.map(
        ({ run, curves }) =>
          curves.confusion && (
            <section key={run.id} className="stack tight" aria-label={run.name}>
              <h3 className="row truncate">
                <Swatch color={run.color} /> {run.name}
              </h3>
              <ConfusionMatrix confusion={curves.confusion} label={`Confusion matrix of ${run.name}`} />
            </section>
          ),
      )}
    </div>
  );
}
