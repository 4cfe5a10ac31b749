/** The form of a dialog that names a report, or chooses where something goes: what went wrong, and two buttons. */

import { type ReactNode, useState } from "react";
import { NAME_MAX } from "~/model/report";

export function NameForm(props: {
  /** What the button that does it says. */
  action: string;
  /** Whether a name is asked for. */
  named: boolean;
  pending: boolean;
  error: Error | null;
  submit: (name: string) => void;
  close: () => void;
  /** What is chosen besides. */
  children?: ReactNode;
}) {
  const { named, error } = props;
  const [name, setName] = useState("");
  const given = name.trim();
  const ready = !props.pending && (!named || given !== "");
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) props.submit(given);
      }}
    >
      {props.children}
      {named && (
        <label className="stack tight">
          <span className="small muted">Name</span>
          <input
            className="input"
            required
            maxLength={NAME_MAX}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
      )}
      {error && (
        <p role="alert" className="bad-text">
          {error.message}
        </p>
      )}
      <div className="row end">
        <button type="button" className="button" onClick={props.close}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={!ready}>
          {props.action}
        </button>
      </div>
    </form>
  );
}
