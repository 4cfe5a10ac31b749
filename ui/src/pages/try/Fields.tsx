/** Fields for each kind of input, each with its label, its hint and what is wrong with it. */

import { type ReactNode, useId } from "react";
import { cellField, type Draft, type Mistakes, WHOLE } from "~/model/asking";
import { formatCount } from "~/model/format";
import { type ColumnSpec, type InputSpec, inputHint } from "~/model/served";
import { ImageField } from "./ImageField";

/** What ties a control to its label and messages. */
export interface Control {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

export function Field(props: {
  label: ReactNode;
  hint?: string;
  mistake: string | undefined;
  children: (control: Control) => ReactNode;
}) {
  const id = useId();
  const notes = [props.hint && `${id}-hint`, props.mistake && `${id}-wrong`].filter(Boolean).join(" ");
  const control: Control = {
    id,
    "aria-invalid": props.mistake !== undefined,
    "aria-describedby": notes || undefined,
  };
  return (
    <div className="try-field">
      <label htmlFor={id}>{props.label}</label>
      {props.children(control)}
      {props.hint && (
        <span id={`${id}-hint`} className="small muted">
          {props.hint}
        </span>
      )}
      {props.mistake && (
        <span id={`${id}-wrong`} className="small try-wrong">
          {props.mistake}
        </span>
      )}
    </div>
  );
}

export interface FieldsProps<S extends InputSpec = InputSpec> {
  spec: S;
  draft: Draft;
  change: (draft: Draft) => void;
  mistakes: Mistakes;
}

export function InputFields({ spec, draft, change, mistakes }: FieldsProps) {
  const hint = inputHint(spec);
  const mistake = mistakes[WHOLE];
  switch (spec.kind) {
    case "table":
      return <TableFields spec={spec} draft={draft} change={change} mistakes={mistakes} />;
    case "image":
      return (
        <ImageField
          hint={hint}
          mistake={mistake}
          image={draft.image}
          change={(image) => change({ ...draft, image })}
        />
      );
    case "history":
      return (
        <Field label="Horizon" hint={hint} mistake={mistake}>
          {(control) => (
            <input
              {...control}
              className="input short"
              inputMode="numeric"
              value={draft.horizon}
              onChange={(event) => change({ ...draft, horizon: event.target.value })}
            />
          )}
        </Field>
      );
    case "unknown":
      return <p className="muted">This page knows no inputs of the kind "{spec.name}".</p>;
    default: {
      const part = spec.kind === "text" ? "text" : "numbers";
      return (
        <Field label={spec.kind === "text" ? "Text" : "Numbers"} hint={hint} mistake={mistake}>
          {(control) => (
            <textarea
              {...control}
              className={`textarea ${part === "text" ? "" : "mono"}`}
              rows={6}
              spellCheck={false}
              value={draft[part]}
              onChange={(event) => change({ ...draft, [part]: event.target.value })}
            />
          )}
        </Field>
      );
    }
  }
}

/** Columns shown before the rest is asked for; nobody fills in more by hand without meaning to. */
const COLUMNS_MAX = 500;
/** More columns than this stand close together. */
const ROOMY_MAX = 16;

function TableFields({ spec, draft, change, mistakes }: FieldsProps<InputSpec & { kind: "table" }>) {
  const shown = spec.columns.slice(0, COLUMNS_MAX);
  return (
    <>
      <div className="try-grid" data-many={shown.length > ROOMY_MAX || undefined}>
        {shown.map((column) => (
          <Field
            key={column.name}
            label={
              <>
                {column.name} {!column.required && <span className="faint">optional</span>}
              </>
            }
            mistake={mistakes[cellField(column.name)]}
          >
            {(control) => (
              <Cell
                control={control}
                column={column}
                value={Object.hasOwn(draft.cells, column.name) ? (draft.cells[column.name] ?? "") : ""}
                change={(cell) => change({ ...draft, cells: { ...draft.cells, [column.name]: cell } })}
              />
            )}
          </Field>
        ))}
      </div>
      {spec.columns.length > shown.length && (
        <p className="muted">
          Only {formatCount(COLUMNS_MAX)} of {formatCount(spec.columns.length)} columns have a field here; use{" "}
          <code>mlhub predict</code> for rows as wide as these.
        </p>
      )}
    </>
  );
}

/** More values than this are typed, with the browser's completion, rather than looked for in a list. */
const CHOICES_MAX = 100;

function Cell(props: {
  control: Control;
  column: ColumnSpec;
  value: string;
  change: (value: string) => void;
}) {
  const { control, column, value, change } = props;
  if (column.type === "category" && column.values.length <= CHOICES_MAX) {
    return (
      <select {...control} className="select" value={value} onChange={(event) => change(event.target.value)}>
        <option value="">{column.required ? "choose" : "none"}</option>
        {column.values.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    );
  }
  const list = column.type === "category" ? `${control.id}-values` : undefined;
  return (
    <>
      <input
        {...control}
        className="input"
        inputMode={column.type === "number" ? "decimal" : "text"}
        list={list}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={(event) => change(event.target.value)}
      />
      {list && (
        <datalist id={list}>
          {column.values.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </>
  );
}
