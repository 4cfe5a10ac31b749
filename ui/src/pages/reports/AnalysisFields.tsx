/** Choices of an analysis: where its runs come from, and the charts themselves, which are set by their own controls. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { AnalysisPanel as Charts } from "~/charts/analysis/AnalysisPanel";
import { ErrorNotice, Loading, Segments } from "~/components/parts";
import { useRested } from "~/components/useRested";
import type { JsonObject } from "~/model/json";
import type { AnalysisPanel } from "~/model/report";
import { Field, type FieldProps, RunsOf } from "./PanelEditor";
import { analysisOf, analysisPanelQuery } from "./panelData";
import { TextField } from "./RunsFields";

export function AnalysisFields({ panel, onChange }: FieldProps<AnalysisPanel>) {
  const found = useQuery(analysisPanelQuery(panel));
  const { rows, columns } = useMemo(
    () => analysisOf(panel, found.data?.runs ?? [], found.data?.total ?? 0),
    [panel, found.data],
  );
  // One brush drawn is one step that can be undone.
  const [state, setState] = useRested(panel.state, (next) => onChange({ ...panel, state: next }));
  return (
    <div className="stack">
      <div className="panel-fields">
        <Field label="Runs from">
          <Segments
            label="Where the runs come from"
            value={panel.source}
            onChange={(source) => onChange({ ...panel, source })}
            options={[
              ["runs", "A list"],
              ["query", "A query"],
            ]}
          />
        </Field>
        {panel.source === "runs" ? (
          <RunsOf panel={panel} onChange={onChange} present={rows} />
        ) : (
          <TextField
            key={`q ${panel.query}`}
            label="Query"
            hint="experiment = 'sweep' and state = finished"
            value={panel.query}
            onCommit={(query) => onChange({ ...panel, query })}
          />
        )}
      </div>
      {found.isError && <ErrorNotice error={found.error} retry={() => void found.refetch()} />}
      {found.isLoading && <Loading lines={4} />}
      {rows.length > 0 && (
        <Charts
          rows={rows}
          columns={columns}
          state={state}
          onChange={(next) => setState(next as unknown as JsonObject)}
        />
      )}
    </div>
  );
}
