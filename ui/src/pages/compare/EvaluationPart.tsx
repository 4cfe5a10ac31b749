/** Curves of the runs' evaluations laid on each other, class by class; confusion matrices side by side. */

import { useState } from "react";
import { EvaluationOverlay } from "~/charts/analysis/EvaluationOverlay";
import { ErrorNotice, Loading, Segments } from "~/components/parts";
import { chartsOf, evaluationChartName, labelsOf, without } from "~/model/overlay";
import type { EvaluationChart } from "~/model/report";
import { AddPanel } from "./AddPanel";
import type { PartProps } from "./useCompare";
import { useEvaluations } from "./useEvaluations";

export function EvaluationPart({ comparison, colors }: PartProps) {
  const [wanted, setWanted] = useState<string>();
  const [chosen, setChosen] = useState<EvaluationChart>();
  const [label, setLabel] = useState<string>();
  const { pending, error, splits, split, runs } = useEvaluations(comparison.runs, colors, wanted);
  if (error) return <ErrorNotice error={error} />;
  if (pending) return <Loading lines={4} />;
  const charts = chartsOf(runs);
  const chart = charts.find((one) => one === chosen) ?? charts[0];
  if (split === undefined || chart === undefined) {
    return (
      <p className="muted">
        No run has curves here: they come from predictions the hub evaluated. Name the splits under
        `evaluation` in the experiment file.
      </p>
    );
  }
  const labels = labelsOf(runs, chart);
  const shown = labels.find((one) => one === label) ?? labels[0];
  return (
    <div className="stack tight">
      <div className="toolbar">
        <Segments
          label="Curve"
          value={chart}
          onChange={setChosen}
          options={charts.map((one) => [one, evaluationChartName(one)])}
        />
        {splits.length > 1 && (
          <Segments
            label="Split"
            value={split}
            onChange={setWanted}
            options={splits.map((one) => [one, one])}
          />
        )}
        {labels.length > 1 && (
          <label className="row small muted">
            Class
            <select className="select" value={shown ?? ""} onChange={(event) => setLabel(event.target.value)}>
              {labels.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
        <span className="grow" />
        <AddPanel
          panel={() => ({
            kind: "evaluation",
            runs: runs.map((run) => run.id),
            chart,
            split,
            ...(shown && { label: shown }),
          })}
        />
      </div>
      <EvaluationOverlay key={`${chart}:${shown}`} runs={runs} chart={chart} label={shown ?? ""} />
      <Missing split={split} names={without(runs, chart)} />
    </div>
  );
}

function Missing({ split, names }: { split: string; names: readonly string[] }) {
  return (
    <p className="small muted">
      Split {split}.{names.length > 0 && ` Not drawn, since they have no such chart: ${names.join(", ")}.`}
    </p>
  );
}
