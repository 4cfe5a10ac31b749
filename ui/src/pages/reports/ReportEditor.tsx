/** Editing a report: its blocks, undo and redo, and saving that never overwrites silently. */

import { useBlocker } from "@tanstack/react-router";
import { type Dispatch, useEffect, useReducer } from "react";
import { Dialog } from "~/components/Dialog";
import { Icon } from "~/components/Icon";
import { NAME_MAX, readBlocks, type StoredDocument } from "~/model/report";
import { type Edit, type Editing, edited, startEditing } from "~/model/reportEdit";
import { AddBlock } from "./AddBlock";
import { BlockEditor } from "./BlockEditor";
import { BlockOutline } from "./BlockOutline";
import { ConflictDialog } from "./ConflictDialog";
import { type Saving, useSaving } from "./useSaving";

function start(document: StoredDocument): Editing {
  return startEditing({ name: document.name, blocks: readBlocks(document.body) });
}

function typingTarget(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** Ctrl+S saves; Ctrl+Z and Ctrl+Shift+Z outside of text fields, which have their own. */
function useKeys(saving: Saving, dispatch: Dispatch<Edit>) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey)) return;
      const key = event.key.toLowerCase();
      if (key === "s") {
        event.preventDefault();
        if (saving.dirty && !saving.pending) saving.save();
      } else if (key === "z" && !typingTarget(event.target)) {
        event.preventDefault();
        dispatch({ type: event.shiftKey ? "redo" : "undo" });
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [saving, dispatch]);
}

export function ReportEditor({ document, done }: { document: StoredDocument; done: () => void }) {
  const [state, dispatch] = useReducer(edited, document, start);
  const saving = useSaving(document, state.now);
  useKeys(saving, dispatch);
  const blocker = useBlocker({
    // A link to a block of this report leads nowhere else.
    shouldBlockFn: ({ current, next }) =>
      saving.dirty && (next.pathname !== current.pathname || !("edit" in next.search)),
    enableBeforeUnload: () => saving.dirty,
    withResolver: true,
  });
  useEffect(() => {
    // A new block comes into view, so that its panel is read.
    if (state.nextKey > 0)
      window.document.getElementById(`block-n${state.nextKey - 1}`)?.scrollIntoView({ block: "nearest" });
  }, [state.nextKey]);
  const { name, blocks } = state.now;
  return (
    <div className="page-body report-editing">
      <div className="report-bar">
        <input
          className="input report-name"
          aria-label="Name of the report"
          maxLength={NAME_MAX}
          value={name}
          onChange={(event) => dispatch({ type: "name", name: event.target.value })}
        />
        <BarButtons state={state} dispatch={dispatch} saving={saving} done={done} />
      </div>
      <h1 className="visually-hidden">Editing {document.name}</h1>
      <div className="report-columns">
        <BlockOutline blocks={blocks} dispatch={dispatch} />
        <div className="stack">
          {blocks.length === 0 && (
            <p className="muted">Nothing is in it yet. Begin with a text, or with a panel.</p>
          )}
          {blocks.map((block, at) => (
            <BlockEditor key={block.key} block={block} at={at} count={blocks.length} dispatch={dispatch} />
          ))}
          <AddBlock after={blocks.at(-1)?.key} blocks={blocks} dispatch={dispatch} />
        </div>
      </div>
      {saving.conflict && <ConflictDialog saving={saving} theirs={saving.conflict} name={name} />}
      {blocker.status === "blocked" && (
        <LeaveDialog stay={blocker.reset} leave={blocker.proceed} saving={saving} />
      )}
    </div>
  );
}

function BarButtons(props: { state: Editing; dispatch: Dispatch<Edit>; saving: Saving; done: () => void }) {
  const { state, dispatch, saving } = props;
  return (
    <>
      <button
        type="button"
        className="button"
        disabled={state.past.length === 0}
        onClick={() => dispatch({ type: "undo" })}
      >
        <Icon name="reset" size={14} /> Undo
      </button>
      <button
        type="button"
        className="button"
        disabled={state.future.length === 0}
        onClick={() => dispatch({ type: "redo" })}
      >
        Redo
      </button>
      <span role="status" className={`small ${saving.error ? "bad-text" : "muted"}`}>
        {saving.error ?? (saving.pending ? "Saving…" : saving.dirty ? "Not saved" : "Saved")}
      </span>
      <button
        type="button"
        className="button primary"
        disabled={!saving.dirty || saving.pending || state.now.name.trim() === ""}
        onClick={saving.save}
      >
        Save
      </button>
      <button type="button" className="button" onClick={props.done}>
        Done
      </button>
    </>
  );
}

function LeaveDialog({ stay, leave, saving }: { stay: () => void; leave: () => void; saving: Saving }) {
  return (
    <Dialog title="Leave without saving?" close={stay}>
      <p>The last changes of this report are not saved.</p>
      <div className="row end">
        <button type="button" className="button danger" onClick={leave}>
          Leave, lose them
        </button>
        <button type="button" className="button" onClick={stay}>
          Stay
        </button>
        <button
          type="button"
          className="button primary"
          disabled={saving.pending}
          onClick={() => saving.saveThen(leave, stay)}
        >
          Save and leave
        </button>
      </div>
    </Dialog>
  );
}
