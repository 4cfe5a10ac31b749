/** One field of the form: its value or its default, what is wrong with it, and the way back. */

import { useEffect, useId, useState } from "react";
import type { ConfigMistake } from "~/api/types";
import { Icon } from "~/components/Icon";
import { inline, type Json } from "~/model/json";
import { mistakesAt } from "~/model/launch";
import { type FieldSpec, fallbackText, readValue, same, Unreadable, writeValue } from "~/model/schemaForm";

export interface FieldProps {
  spec: FieldSpec;
  value: Json | undefined;
  mistakes: readonly ConfigMistake[];
  onChange: (path: readonly string[], value: Json | undefined) => void;
  /** Values to choose from, which need not be all. */
  suggestions?: readonly string[];
}

const NONE = "none";
const UNSET = "";

/** What is wrong with the value: as it is read here, else as the hub says. */
function wrongs(props: FieldProps, unreadable: string | undefined): string[] {
  if (unreadable !== undefined) return [unreadable];
  return mistakesAt(props.mistakes, props.spec.path).map((one) =>
    one.help ? `${one.message}. ${one.help}` : one.message,
  );
}

export function Field(props: FieldProps) {
  const { spec, value } = props;
  const id = useId();
  const [unreadable, setUnreadable] = useState<string>();
  const wrong = wrongs(props, unreadable);
  const isSet = value !== undefined;
  const changed = isSet && !same(value, spec.fallback);
  const set = (next: Json | undefined) => props.onChange(spec.path, next);
  const control = {
    id,
    "aria-invalid": wrong.length > 0,
    "aria-describedby": `${id}-help ${id}-wrong`,
    "data-path": spec.path.join("."),
  };
  return (
    <div className={`field ${changed ? "changed" : ""}`}>
      <div className="field-head">
        <label htmlFor={id}>{spec.name}</label>
        {spec.unit && <span className="faint small">{spec.unit}</span>}
        <span className="grow" />
        {isSet ? (
          <button
            type="button"
            className="field-reset"
            aria-label={`Reset ${spec.name}`}
            title={`Back to ${fallbackText(spec)}`}
            onClick={() => set(undefined)}
          >
            <Icon name="reset" size={13} />{" "}
            {spec.fallback === undefined ? "set" : changed ? "changed" : "as default"}
          </button>
        ) : (
          <span className="faint small">{spec.required ? "required" : "default"}</span>
        )}
      </div>
      {spec.kind === "choice" ? (
        <Choice spec={spec} value={value} control={control} set={set} />
      ) : (
        <Written {...props} control={control} set={set} say={setUnreadable} />
      )}
      <p id={`${id}-wrong`} className="field-wrong small" aria-live="polite">
        {wrong.join(" ")}
      </p>
      <p id={`${id}-help`} className="faint small">
        {[spec.range, spec.help].filter((one) => one !== "").join(" · ")}
      </p>
    </div>
  );
}

interface Control {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string;
  "data-path": string;
}

interface ControlProps {
  spec: FieldSpec;
  value: Json | undefined;
  control: Control;
  set: (value: Json | undefined) => void;
}

function Choice({ spec, value, control, set }: ControlProps) {
  const known = value === undefined || value === null || spec.options.some((one) => same(one, value));
  const chosen = value === undefined ? UNSET : value === null ? NONE : JSON.stringify(value);
  const choose = (text: string) =>
    set(text === UNSET ? undefined : text === NONE ? null : (JSON.parse(text) as Json));
  return (
    <select
      {...control}
      className={`select ${value === undefined ? "faint" : ""}`}
      value={chosen}
      onChange={(event) => choose(event.target.value)}
    >
      <option value={UNSET}>{spec.required ? "choose…" : `${fallbackText(spec)} (default)`}</option>
      {spec.nullable && <option value={NONE}>none</option>}
      {spec.options.map((one) => (
        <option key={JSON.stringify(one)} value={JSON.stringify(one)}>
          {inline(one)}
        </option>
      ))}
      {!known && <option value={JSON.stringify(value)}>{inline(value)}</option>}
    </select>
  );
}

interface WrittenProps extends FieldProps, ControlProps {
  say: (unreadable: string | undefined) => void;
}

/** A field that is typed into. It keeps what was typed while that means the value. */
function Written({ spec, value, control, set, say, suggestions }: WrittenProps) {
  const [typed, setTyped] = useState(() => writeValue(spec.kind, value));
  const written = JSON.stringify(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a changed value replaces what was typed
  useEffect(() => {
    setTyped((old) => (means(spec, old, value) ? old : writeValue(spec.kind, value)));
    say(undefined);
  }, [written]);
  const type = (text: string) => {
    setTyped(text);
    try {
      const next = readValue(spec.kind, text);
      say(undefined);
      if (!same(next, value)) set(next);
    } catch (cause) {
      if (!(cause instanceof Unreadable)) throw cause;
      say(cause.message);
    }
  };
  const shared = {
    ...control,
    value: typed,
    placeholder: value === null ? "none" : fallbackText(spec),
    spellCheck: false,
    autoComplete: "off",
  };
  const canBeNone = spec.nullable && spec.fallback !== null && spec.fallback !== undefined;
  return (
    <div className="row">
      {spec.kind === "any" || spec.kind === "long" ? (
        <textarea
          {...shared}
          className={`textarea grow ${spec.kind === "any" ? "mono" : ""}`}
          rows={2}
          onChange={(event) => type(event.target.value)}
        />
      ) : (
        <input
          {...shared}
          className="input grow"
          inputMode={spec.kind === "number" || spec.kind === "integer" ? "decimal" : "text"}
          list={suggestions ? `${control.id}-list` : undefined}
          onChange={(event) => type(event.target.value)}
        />
      )}
      {suggestions && (
        <datalist id={`${control.id}-list`}>
          {suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
      {canBeNone && (
        <label className="row small muted">
          <input
            type="checkbox"
            checked={value === null}
            onChange={(event) => set(event.target.checked ? null : undefined)}
          />
          none
        </label>
      )}
    </div>
  );
}

/** Whether a typed text is the value, however it is written. */
function means(spec: FieldSpec, text: string, value: Json | undefined): boolean {
  try {
    return same(readValue(spec.kind, text) ?? null, value ?? null);
  } catch {
    return false;
  }
}

/** Fields of an object, one below the other; a group in a group can be folded. */
export function Fields(
  props: Omit<FieldProps, "spec" | "value"> & {
    specs: readonly FieldSpec[];
    read: (path: readonly string[]) => Json | undefined;
  },
) {
  const { specs, read, ...rest } = props;
  return (
    <div className="field-grid">
      {specs.map((spec) =>
        spec.kind === "group" ? (
          <Group key={spec.path.join(".")} {...props} spec={spec} />
        ) : (
          <Field key={spec.path.join(".")} {...rest} spec={spec} value={read(spec.path)} />
        ),
      )}
    </div>
  );
}

function Group({ spec, ...props }: Parameters<typeof Fields>[0] & { spec: FieldSpec }) {
  const value = props.read(spec.path);
  const wrong = mistakesAt(props.mistakes, spec.path);
  const own = wrong.filter((one) => one.path === spec.path.join("."));
  return (
    <details className="field-group" open={value !== undefined || wrong.length > 0}>
      <summary data-path={spec.path.join(".")}>
        <span className="field-name">{spec.name}</span>{" "}
        <span className="faint small">
          {value === undefined ? `${fallbackText(spec)} (default)` : `${spec.fields.length} fields`}
        </span>
      </summary>
      {spec.help && <p className="faint small">{spec.help}</p>}
      {own.map((one) => (
        <p key={one.message} className="field-wrong small">
          {one.message}
        </p>
      ))}
      <Fields {...props} specs={spec.fields} />
      {value !== undefined && (
        <button type="button" className="button ghost" onClick={() => props.onChange(spec.path, undefined)}>
          <Icon name="reset" /> Reset {spec.name}
        </button>
      )}
    </details>
  );
}
