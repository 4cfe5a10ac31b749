/** What the reader chooses of each analysis chart. */

import { Segments } from "~/components/parts";
import type { AnalysisColumn } from "~/model/analysis";
import {
  type AnalysisState,
  AXES_MAX,
  type BarsState,
  type ParallelState,
  type ScatterState,
} from "~/model/analysisState";
import type { Wish } from "~/model/pareto";
import { ColumnPicker } from "./ColumnPicker";

interface Props<S> {
  columns: readonly AnalysisColumn[];
  state: S;
  onChange: (state: S) => void;
}

export function AnalysisControls({ columns, state, onChange }: Props<AnalysisState>) {
  switch (state.kind) {
    case "parallel":
      return (
        <ParallelControls
          columns={columns}
          state={state.parallel}
          onChange={(parallel) => onChange({ ...state, parallel })}
        />
      );
    case "scatter":
      return (
        <ScatterControls
          columns={columns}
          state={state.scatter}
          onChange={(scatter) => onChange({ ...state, scatter })}
        />
      );
    case "bars":
      return (
        <BarsControls
          columns={columns}
          state={state.bars}
          onChange={(bars) => onChange({ ...state, bars })}
        />
      );
  }
}

function Check(props: { label: string; on: boolean; off?: boolean; onChange: (on: boolean) => void }) {
  return (
    <label className="analysis-check">
      <input
        type="checkbox"
        checked={props.on}
        disabled={props.off === true}
        onChange={(event) => props.onChange(event.target.checked)}
      />
      {props.label}
    </label>
  );
}

function ParallelControls({ columns, state, onChange }: Props<ParallelState>) {
  const others = columns.filter((column) => !state.axes.includes(column.id));
  const full = state.axes.length >= AXES_MAX;
  return (
    <>
      {full ? (
        <span className="muted small">{AXES_MAX} axes are the most.</span>
      ) : (
        <ColumnPicker
          key={state.axes.length}
          label="Add an axis"
          columns={others}
          value={null}
          onChange={(id) => id && onChange({ ...state, axes: [...state.axes, id] })}
        />
      )}
      <ColumnPicker
        label="Colour by"
        columns={columns.filter((column) => column.numeric)}
        value={state.color}
        none="Run"
        onChange={(color) => onChange({ ...state, color })}
      />
    </>
  );
}

const WISHES: readonly [Wish, string][] = [
  ["maximize", "higher is better"],
  ["minimize", "lower is better"],
];

function WishSelect(props: { label: string; value: Wish; onChange: (wish: Wish) => void }) {
  return (
    <label className="analysis-select">
      {props.label}
      <select
        className="select"
        value={props.value}
        onChange={(event) => props.onChange(event.target.value === "minimize" ? "minimize" : "maximize")}
      >
        {WISHES.map(([wish, text]) => (
          <option key={wish} value={wish}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function ScatterControls({ columns, state, onChange }: Props<ScatterState>) {
  const set = (part: Partial<ScatterState>) => onChange({ ...state, ...part });
  const numeric = columns.filter((column) => column.numeric);
  const isNumber = (id: string | null) => numeric.some((column) => column.id === id);
  const { front } = state;
  return (
    <>
      <ColumnPicker label="X" columns={columns} value={state.x} onChange={(x) => set({ x })} />
      <ColumnPicker label="Y" columns={columns} value={state.y} onChange={(y) => set({ y })} />
      <ColumnPicker
        label="Colour by"
        columns={numeric}
        value={state.color}
        none="Run"
        onChange={(color) => set({ color })}
      />
      <ColumnPicker
        label="Size by"
        columns={numeric}
        value={state.size}
        none="All the same"
        onChange={(size) => set({ size })}
      />
      <div className="analysis-checks">
        <Check label="Log X" on={state.logX} off={!isNumber(state.x)} onChange={(logX) => set({ logX })} />
        <Check label="Log Y" on={state.logY} off={!isNumber(state.y)} onChange={(logY) => set({ logY })} />
        <Check
          label="Line of least squares"
          on={state.regression}
          onChange={(regression) => set({ regression })}
        />
        <Check
          label="Pareto front"
          on={front !== null}
          onChange={(on) => set({ front: on ? { x: "minimize", y: "maximize" } : null })}
        />
        {front && (
          <>
            <WishSelect label="X:" value={front.x} onChange={(x) => set({ front: { ...front, x } })} />
            <WishSelect label="Y:" value={front.y} onChange={(y) => set({ front: { ...front, y } })} />
          </>
        )}
      </div>
    </>
  );
}

function BarsControls({ columns, state, onChange }: Props<BarsState>) {
  const set = (part: Partial<BarsState>) => onChange({ ...state, ...part });
  return (
    <>
      <ColumnPicker
        label="Value"
        columns={columns.filter((column) => column.numeric)}
        value={state.value}
        onChange={(value) => set({ value })}
      />
      <div className="analysis-checks">
        <Segments
          label="One bar for each"
          value={state.by}
          onChange={(by) => set({ by })}
          options={[
            ["runs", "Runs"],
            ["groups", "Seed groups"],
          ]}
        />
        <Segments
          label="Drawn as"
          value={state.mark}
          onChange={(mark) => set({ mark })}
          options={[
            ["dots", "Dots"],
            ["bars", "Bars from zero"],
          ]}
        />
        <Segments
          label="Order"
          value={state.order}
          onChange={(order) => set({ order })}
          options={[
            ["descending", "Highest first"],
            ["ascending", "Lowest first"],
            ["given", "As listed"],
          ]}
        />
      </div>
    </>
  );
}
