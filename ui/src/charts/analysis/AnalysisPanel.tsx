/** One panel for the three ways to look at many runs at once; all choices are in `state`, which is JSON. */

import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { Empty, Segments } from "~/components/parts";
import { type AnalysisColumn, type AnalysisRow, typedColumns } from "~/model/analysis";
import { type AnalysisKind, type AnalysisState, readAnalysisState } from "~/model/analysisState";
import { AnalysisControls } from "./AnalysisControls";
import { AnalysisTable } from "./AnalysisTable";
import { BarIntervals } from "./BarIntervals";
import { ParallelCoordinates } from "./ParallelCoordinates";
import { Scatter } from "./Scatter";

export interface AnalysisPanelProps {
  rows: readonly AnalysisRow[];
  columns: readonly AnalysisColumn[];
  /** As `onChange` gave it, or anything else: then the panel starts from what tells the runs apart. */
  state: unknown;
  onChange: (state: AnalysisState) => void;
  /** The runs inside of all brushes; undefined: nothing is brushed. */
  onBrush?: (ids: readonly string[] | undefined) => void;
  onHover?: (id: string | undefined) => void;
  hovered?: string | undefined;
  /** What pressing a run does; else its page opens. */
  onOpen?: (id: string) => void;
}

const KINDS: readonly (readonly [AnalysisKind, string])[] = [
  ["parallel", "Parallel coordinates"],
  ["scatter", "Scatter"],
  ["bars", "Bars"],
];

/** The columns the chart shows, in its order. */
function columnsOf(state: AnalysisState, columns: readonly AnalysisColumn[]): AnalysisColumn[] {
  const { parallel, scatter, bars } = state;
  const ids = {
    parallel: [...parallel.axes, parallel.color],
    scatter: [scatter.x, scatter.y, scatter.color, scatter.size],
    bars: [bars.value],
  }[state.kind];
  return [...new Set(ids)].flatMap((id) => columns.find((column) => column.id === id) ?? []);
}

export function AnalysisPanel(props: AnalysisPanelProps) {
  const { rows, onChange, onBrush, onHover, hovered } = props;
  const navigate = useNavigate();
  const onOpen = props.onOpen ?? ((id: string) => void navigate({ to: "/runs/$id", params: { id } }));
  const columns = useMemo(() => typedColumns(props.columns, rows), [props.columns, rows]);
  const state = useMemo(() => readAnalysisState(props.state, columns, rows), [props.state, columns, rows]);
  const [asTable, setAsTable] = useState(false);
  if (rows.length === 0) {
    return (
      <Empty
        title="No runs to analyse"
        commands={[["mlhub train EXPERIMENT.yaml", "trains runs that appear here"]]}
      >
        <p>Choose runs, or loosen the filter: each becomes a line, a dot or a bar here.</p>
      </Empty>
    );
  }
  const shared = { rows, columns, onHover, onOpen, hovered };
  const { parallel, scatter, bars } = state;
  return (
    <section className="analysis" aria-label="Analysis">
      <div className="row wrap">
        <Segments
          label="Kind of chart"
          value={state.kind}
          onChange={(kind) => onChange({ ...state, kind })}
          options={KINDS}
        />
        <span className="grow" />
        <Segments
          label="Shown as"
          value={asTable ? "table" : "chart"}
          onChange={(next) => setAsTable(next === "table")}
          options={[
            ["chart", "Chart"],
            ["table", "Table"],
          ]}
        />
      </div>
      <div className="analysis-controls">
        <AnalysisControls columns={columns} state={state} onChange={onChange} />
      </div>
      {asTable && <AnalysisTable rows={rows} columns={columnsOf(state, columns)} onOpen={onOpen} />}
      {!asTable && state.kind === "parallel" && (
        <ParallelCoordinates
          {...shared}
          state={parallel}
          onChange={(next) => onChange({ ...state, parallel: next })}
          onBrush={onBrush}
        />
      )}
      {!asTable && state.kind === "scatter" && <Scatter {...shared} state={scatter} />}
      {!asTable && state.kind === "bars" && <BarIntervals {...shared} state={bars} />}
    </section>
  );
}
