/** A name as the page's heading, edited in place: Enter saves, Escape gives up. */

import { useState } from "react";
import { Icon } from "./Icon";
import { useReturnFocus } from "./useReturnFocus";

export function NameField(props: {
  name: string;
  /** What has the name: `run`. */
  of: string;
  /** Characters it may have. */
  most: number;
  pending: boolean;
  error: Error | null;
  /** Changes the name and tells when that is done. */
  change: (name: string, done: () => void) => void;
}) {
  const { name, of } = props;
  const [draft, setDraft] = useState<string>();
  const opener = useReturnFocus(draft !== undefined);
  const close = () => setDraft(undefined);
  if (draft === undefined) {
    return (
      <div className="row name-field">
        <h1 className="truncate" title={name}>
          {name}
        </h1>
        <button
          ref={opener}
          type="button"
          className="button ghost icon quiet"
          aria-label={`Rename the ${of}`}
          title={`Rename the ${of}`}
          onClick={() => setDraft(name)}
        >
          <Icon name="edit" size={14} />
        </button>
      </div>
    );
  }
  const next = draft.trim();
  return (
    <form
      className="row wrap name-field"
      onSubmit={(event) => {
        event.preventDefault();
        if (next === "" || next === name) close();
        else props.change(next, close);
      }}
    >
      <h1 className="visually-hidden">{name}</h1>
      <input
        className="input name-input"
        aria-label={`Name of the ${of}`}
        // biome-ignore lint/a11y/noAutofocus: the reader has just asked to write here
        autoFocus
        maxLength={props.most}
        value={draft}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && close()}
      />
      <button type="submit" className="button primary" disabled={props.pending || next === ""}>
        Save
      </button>
      <button type="button" className="button ghost" onClick={close}>
        Cancel
      </button>
      {props.error && (
        <span className="badge bad" role="alert">
          {props.error.message}
        </span>
      )}
    </form>
  );
}
