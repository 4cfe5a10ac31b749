/** Choices of a table of runs: query, columns, order. They take effect when a field is left or Enter is pressed. */

import { useState } from "react";
import { joinList, splitList } from "~/model/language";
import { PANEL_ROWS_MAX, type RunsPanel } from "~/model/report";
import type { FieldProps } from "./PanelEditor";

export function TextField(props: {
  label: string;
  hint: string;
  value: string;
  type?: "number";
  onCommit: (value: string) => void;
}) {
  const [text, setText] = useState(props.value);
  const commit = () => text !== props.value && props.onCommit(text);
  return (
    <label className="field">
      <span className="muted small">{props.label}</span>
      <input
        className="input"
        type={props.type ?? "text"}
        {...(props.type === "number" && { min: 1, max: PANEL_ROWS_MAX })}
        placeholder={props.hint}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => event.key === "Enter" && commit()}
      />
    </label>
  );
}

export function RunsFields({ panel, onChange }: FieldProps<RunsPanel>) {
  const limit = (text: string) => {
    const number = Math.round(Number(text));
    return Number.isFinite(number) && number >= 1 ? Math.min(number, PANEL_ROWS_MAX) : panel.limit;
  };
  // A field starts anew when undo brings another value.
  return (
    <div className="panel-fields">
      <TextField
        key={`q ${panel.query}`}
        label="Query"
        hint="metrics.acc > 0.9 and tags.baseline"
        value={panel.query}
        onCommit={(query) => onChange({ ...panel, query })}
      />
      <TextField
        key={`c ${joinList(panel.columns)}`}
        label="Columns"
        hint="metrics.acc, params.lr"
        value={joinList(panel.columns)}
        onCommit={(text) => onChange({ ...panel, columns: splitList(text) })}
      />
      <TextField
        key={`o ${joinList(panel.order)}`}
        label="Order"
        hint="metrics.acc desc"
        value={joinList(panel.order)}
        onCommit={(text) => onChange({ ...panel, order: splitList(text) })}
      />
      <TextField
        key={`l ${panel.limit}`}
        label="Rows"
        hint="20"
        type="number"
        value={String(panel.limit)}
        onCommit={(text) => onChange({ ...panel, limit: limit(text) })}
      />
    </div>
  );
}
