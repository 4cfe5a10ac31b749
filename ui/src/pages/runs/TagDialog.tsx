/** Sets or removes one tag of the checked runs. */

import { useId, useState } from "react";
import { Dialog } from "~/components/Dialog";
import { Notice, Segments } from "~/components/parts";
import { formatCount, plural } from "~/model/format";
import { type Tags, useTagging } from "./useTagging";

interface Props {
  runs: readonly string[];
  /** Names of tags that runs have. */
  names: readonly string[];
  close: () => void;
}

export function TagDialog({ runs, names, close }: Props) {
  const [mode, setMode] = useState<"set" | "remove">("set");
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const list = useId();
  const { state, start } = useTagging();
  const key = name.trim();
  const act = async () => {
    const tags: Tags = { [key]: mode === "set" ? value : null };
    const ended = await start(runs, tags);
    if (ended.failed === 0) close();
  };
  return (
    <Dialog title={`Tag ${plural(runs.length, "run")}`} close={close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (key !== "" && !state?.running) void act();
        }}
      >
        <Segments
          label="What to do"
          value={mode}
          onChange={setMode}
          options={[
            ["set", "Set a tag"],
            ["remove", "Remove a tag"],
          ]}
        />
        <label className="field">
          <span>Tag</span>
          <input
            className="input"
            list={list}
            value={name}
            placeholder="baseline"
            onChange={(event) => setName(event.target.value)}
          />
          <datalist id={list}>
            {names.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
        </label>
        {mode === "set" && (
          <label className="field">
            <span>Value</span>
            <input
              className="input"
              value={value}
              placeholder="empty is a value too"
              onChange={(event) => setValue(event.target.value)}
            />
          </label>
        )}
        {state && state.failed > 0 && (
          <Notice tone="bad">
            {plural(state.failed, "run")} could not be changed: {state.reason}
          </Notice>
        )}
        <div className="row wrap end">
          {state?.running && (
            <span className="muted" role="status">
              {formatCount(state.done)} of {formatCount(state.total)}
            </span>
          )}
          <button type="button" className="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={key === "" || state?.running === true}>
            {mode === "set" ? "Set" : "Remove"} on {plural(runs.length, "run")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
