/** The name of a run as the page's heading, edited in place: Enter saves, Escape gives up. */

import { useState } from "react";
import type { RunDetail } from "~/api/types";
import { Icon } from "~/components/Icon";
import { useReturnFocus } from "~/components/useReturnFocus";
import { useChange } from "./useChange";

const NAME_LENGTH_MAX = 200;

export function NameField({ run }: { run: RunDetail }) {
  const [draft, setDraft] = useState<string>();
  const opener = useReturnFocus(draft !== undefined);
  const change = useChange(run.id);
  const close = () => setDraft(undefined);
  if (draft === undefined) {
    return (
      <div className="row name-field">
        <h1 className="truncate" title={run.name}>
          {run.name}
        </h1>
        <button
          ref={opener}
          type="button"
          className="button ghost icon quiet"
          aria-label="Rename the run"
          title="Rename the run"
          onClick={() => setDraft(run.name)}
        >
          <Icon name="edit" size={14} />
        </button>
      </div>
    );
  }
  const name = draft.trim();
  return (
    <form
      className="row wrap name-field"
      onSubmit={(event) => {
        event.preventDefault();
        if (name === "" || name === run.name) close();
        else change.mutate({ name }, { onSuccess: close });
      }}
    >
      <h1 className="visually-hidden">{run.name}</h1>
      <input
        className="input name-input"
        aria-label="Name of the run"
        // biome-ignore lint/a11y/noAutofocus: the reader has just asked to write here
        autoFocus
        maxLength={NAME_LENGTH_MAX}
        value={draft}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && close()}
      />
      <button type="submit" className="button primary" disabled={change.isPending || name === ""}>
        Save
      </button>
      <button type="button" className="button ghost" onClick={close}>
        Cancel
      </button>
      {change.isError && (
        <span className="badge bad" role="alert">
          {change.error.message}
        </span>
      )}
    </form>
  );
}
