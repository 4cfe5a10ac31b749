/** A description: shown, and edited in place. */

import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Icon } from "./Icon";
import { useReturnFocus } from "./useReturnFocus";

interface Props {
  text: string;
  /** What is described, by its name. */
  of: string;
  /** Characters it may have. */
  most: number;
  save: (text: string) => Promise<unknown>;
  /** Whether all of it is shown, not the first lines only. */
  whole?: boolean;
}

function Editor(props: Props & { done: () => void }) {
  const { done } = props;
  const [text, setText] = useState(props.text);
  const save = useMutation({ mutationFn: () => props.save(text.trim()), onSuccess: done });
  return (
    <form
      className="stack tight"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <textarea
        className="textarea"
        aria-label={`Description of ${props.of}`}
        maxLength={props.most}
        rows={3}
        value={text}
        // biome-ignore lint/a11y/noAutofocus: the reader just asked to write here
        autoFocus
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") done();
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save.mutate();
        }}
      />
      {save.isError && (
        <p className="small bad-text" role="alert">
          Not saved: {save.error.message}
        </p>
      )}
      <div className="row">
        <button type="submit" className="button primary" disabled={save.isPending}>
          Save
        </button>
        <button type="button" className="button" onClick={done}>
          Cancel
        </button>
      </div>
    </form>
  );
}

export function Description(props: Props) {
  const [editing, setEditing] = useState(false);
  const opener = useReturnFocus(editing);
  if (editing) return <Editor {...props} done={() => setEditing(false)} />;
  const shown = props.whole ? "prose measure" : "clamp grow";
  return (
    <div className="row top">
      <p className={`${shown} ${props.text ? "muted" : "faint"}`}>{props.text || "No description."}</p>
      <button
        ref={opener}
        type="button"
        className="button ghost icon"
        aria-label={`Edit the description of ${props.of}`}
        title="Edit the description"
        onClick={() => setEditing(true)}
      >
        <Icon name="edit" />
      </button>
    </div>
  );
}
