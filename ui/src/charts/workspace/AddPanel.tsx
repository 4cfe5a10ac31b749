/** Adds a chart: of an expression over metrics, or one that was hidden. */

import { useId, useState } from "react";
import { Icon } from "~/components/Icon";
import { Popover } from "~/components/Popover";
import { FUNCTION_NAMES, operand, type Parsed, parse } from "~/model/expression";
import type { WorkspaceLayout } from "~/model/workspace";

const SUGGESTED_MAX = 8;

/** The text with its mistake underlined, and what is wrong with it. */
function MistakeNote({ text, parsed }: { text: string; parsed: Parsed & { ok: false } }) {
  const { at, length, message } = parsed.mistake;
  return (
    <div className="mistake-note" role="status">
      <code>
        {text.slice(0, at)}
        <mark>{text.slice(at, at + length) || " "}</mark>
        {text.slice(at + length)}
      </code>
      <span className="mistake">{message}</span>
    </div>
  );
}

/** What was logged under a name the expression has, or nearly has. */
function unknownNames(parsed: Parsed, metrics: ReadonlySet<string>): string[] {
  return parsed.ok ? parsed.metrics.filter((name) => !metrics.has(name)) : [];
}

export function AddPanel(props: {
  metrics: ReadonlySet<string>;
  layout: WorkspaceLayout;
  onExpression: (text: string) => void;
  onShow: (id: string) => void;
}) {
  return (
    <Popover
      label="Add a chart"
      button={
        <>
          <Icon name="plus" size={13} /> Add chart
        </>
      }
    >
      {(close) => <AddForm {...props} close={close} />}
    </Popover>
  );
}

type FormProps = Parameters<typeof AddPanel>[0] & { close: () => void };

function AddForm({ metrics, layout, onExpression, onShow, close }: FormProps) {
  const [text, setText] = useState("");
  const field = useId();
  const parsed = text.trim() === "" ? undefined : parse(text);
  const unknown = parsed ? unknownNames(parsed, metrics) : [];
  const last = /[^\s()+*^,-]*$/.exec(text)?.[0] ?? "";
  const suggested =
    last === ""
      ? []
      : [...metrics]
          .filter((name) => name !== last && name.toLowerCase().includes(last.toLowerCase()))
          .slice(0, SUGGESTED_MAX);
  return (
    <>
      <form
        className="stack tight"
        onSubmit={(event) => {
          event.preventDefault();
          if (!parsed?.ok) return;
          onExpression(text.trim());
          close();
        }}
      >
        <label htmlFor={field}>Expression over metrics</label>
        <input
          id={field}
          className="input mono"
          placeholder="train/loss - val/loss"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        {parsed && !parsed.ok && <MistakeNote text={text} parsed={parsed} />}
        {unknown.length > 0 && (
          <span className="muted small">
            No run looked at has logged {unknown.map((name) => `“${name}”`).join(", ")}.
          </span>
        )}
        {suggested.length > 0 && (
          <div className="row wrap">
            {suggested.map((name) => (
              <button
                key={name}
                type="button"
                className="chip"
                onClick={() => setText(text.slice(0, text.length - last.length) + operand(name))}
              >
                {name}
              </button>
            ))}
          </div>
        )}
        <p className="muted small">
          + − * / ^, brackets, {FUNCTION_NAMES.join(", ")}. Other names in double quotes. Per run, on the
          steps all its metrics have.
        </p>
        <button type="submit" className="button primary" disabled={!parsed?.ok}>
          Add
        </button>
      </form>
      {layout.hidden.length > 0 && (
        <div className="stack tight">
          <hr />
          <span className="muted small">Hidden charts</span>
          {layout.hidden.map((id) => (
            <button key={id} type="button" className="menu-item" onClick={() => onShow(id)}>
              <Icon name="plus" size={13} /> {id.slice(2)}
            </button>
          ))}
        </div>
      )}
    </>
  );
}
