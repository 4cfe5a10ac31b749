/** What a panel shows: its runs, and what its kind lets choose. */

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { presentQuery } from "~/api/documents";
import { Icon } from "~/components/Icon";
import { Swatch } from "~/components/parts";
import { type AnalysisPanel, PANEL_RUNS_MAX, type ReportPanel, type RunsPanel } from "~/model/report";
import { RunPicker } from "~/pages/compare/RunPicker";
import { AnalysisFields } from "./AnalysisFields";
import type { FigureRun } from "./figures/ChartFigure";
import { ChartsFields, EvaluationFields, MetricsFields } from "./PanelFields";
import { presentRuns } from "./panelData";
import { RunsFields } from "./RunsFields";

export interface FieldProps<P extends ReportPanel> {
  panel: P;
  onChange: (panel: P) => void;
}

/** Choices that depend on what the runs have, for those that are still there. */
export interface RunFieldProps<P extends ReportPanel> extends FieldProps<P> {
  present: readonly FigureRun[];
}

type OfRuns = Exclude<ReportPanel, RunsPanel | AnalysisPanel>;

export function PanelEditor({ panel, onChange }: FieldProps<ReportPanel>) {
  if (panel.kind === "runs") return <RunsFields panel={panel} onChange={onChange} />;
  if (panel.kind === "analysis") return <AnalysisFields panel={panel} onChange={onChange} />;
  return <OfRunsEditor panel={panel} onChange={onChange} />;
}

function OfRunsEditor({ panel, onChange }: FieldProps<OfRuns>) {
  const found = useQuery(presentQuery(panel.runs)).data;
  const { runs } = useMemo(() => presentRuns(panel.runs, found?.runs ?? []), [panel.runs, found]);
  return (
    <div className="panel-fields">
      <RunsOf panel={panel} onChange={onChange} present={runs} />
      {panel.kind === "charts" && <ChartsFields panel={panel} onChange={onChange} present={runs} />}
      {panel.kind === "metrics" && <MetricsFields panel={panel} onChange={onChange} />}
      {panel.kind === "evaluation" && <EvaluationFields panel={panel} onChange={onChange} present={runs} />}
    </div>
  );
}

/** The runs of a panel as chips; more are found by query. */
export function RunsOf<P extends Exclude<ReportPanel, RunsPanel>>(props: RunFieldProps<P>) {
  const { panel, onChange, present } = props;
  const [picking, setPicking] = useState(false);
  const byId = new Map(present.map((run) => [run.id, run]));
  const withRuns = (ids: string[]) => onChange({ ...panel, runs: ids });
  return (
    <Field label="Runs">
      <ul className="row wrap" aria-label="Runs of the panel">
        {panel.runs.map((id) => {
          const run = byId.get(id);
          const name = run?.name ?? id;
          return (
            <li key={id} className="chip">
              {run && <Swatch color={run.color} />}
              <span className="truncate">{name}</span>
              <button
                type="button"
                aria-label={`Take out ${name}`}
                onClick={() => withRuns(panel.runs.filter((one) => one !== id))}
              >
                <Icon name="close" size={12} />
              </button>
            </li>
          );
        })}
        <li>
          <button type="button" className="chip" onClick={() => setPicking(true)}>
            + Add runs
          </button>
        </li>
      </ul>
      {picking && (
        <RunPicker
          title="Add runs to the panel"
          taken={panel.runs}
          room={PANEL_RUNS_MAX - panel.runs.length}
          pick={(ids) => withRuns([...panel.runs, ...ids])}
          close={() => setPicking(false)}
        />
      )}
    </Field>
  );
}

/** A name over what it is of; the controls inside have names of their own. */
export function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="field">
      <span className="muted small">{label}</span>
      <div>{children}</div>
    </div>
  );
}
