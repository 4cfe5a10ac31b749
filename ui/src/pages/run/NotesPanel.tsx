/** Notes of a run in Markdown: read, written with a preview, and never saved over what another wrote meanwhile. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { client } from "~/api/client";
import { keys } from "~/api/queries";
import { patchRun } from "~/api/runPage";
import type { RunDetail } from "~/api/types";
import { Icon } from "~/components/Icon";
import { ErrorNotice, Loading, Panel, Segments } from "~/components/parts";
import { useReturnFocus } from "~/components/useReturnFocus";

const Markdown = lazy(() => import("./Markdown"));

function Shown({ text }: { text: string }) {
  return (
    <Suspense fallback={<Loading lines={3} />}>
      <Markdown text={text} />
    </Suspense>
  );
}

/** What stood on the hub when it was not what the editor began with. */
interface Conflict {
  theirs: string;
}

function useSaving(run: string, saved: () => void) {
  const queries = useQueryClient();
  const [conflict, setConflict] = useState<Conflict>();
  const saving = useMutation({
    mutationFn: async ({ notes, base }: { notes: string; base: string }) => {
      const now = (await client.run(run)).notes;
      if (now !== base && now !== notes) return { theirs: now };
      await patchRun(run, { notes });
      return undefined;
    },
    onSuccess: async (found) => {
      setConflict(found);
      if (found) return;
      await queries.invalidateQueries({ queryKey: keys.run(run) });
      saved();
    },
  });
  return { saving, conflict };
}

function ConflictNotice(props: { theirs: string; overwrite: () => void; take: () => void }) {
  return (
    <div className="notice warn" role="alert">
      <h3>Somebody changed these notes while you wrote</h3>
      <p>They now say:</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre tabIndex={0}>{props.theirs || "(nothing)"}</pre>
      <div className="row wrap">
        <button type="button" className="button" onClick={props.overwrite}>
          Save mine instead
        </button>
        <button type="button" className="button" onClick={props.take}>
          Put theirs below mine
        </button>
      </div>
    </div>
  );
}

function Editor({ run, close }: { run: RunDetail; close: () => void }) {
  const [base, setBase] = useState(run.notes);
  const [draft, setDraft] = useState(run.notes);
  const [view, setView] = useState<"write" | "preview">("write");
  const { saving, conflict } = useSaving(run.id, close);
  const save = (over = base) => saving.mutate({ notes: draft, base: over });
  return (
    <form
      className="stack tight"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <Segments
        label="View of the notes"
        value={view}
        onChange={setView}
        options={[
          ["write", "Write"],
          ["preview", "Preview"],
        ]}
      />
      {view === "write" ? (
        <textarea
          className="input notes-input"
          aria-label="Notes in Markdown"
          // biome-ignore lint/a11y/noAutofocus: the reader has just asked to write here
          autoFocus
          rows={Math.min(24, Math.max(6, draft.split("\n").length + 1))}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
            if (event.key === "Escape" && draft === run.notes) close();
          }}
        />
      ) : (
        <div className="notes-preview">
          <Shown text={draft} />
        </div>
      )}
      {conflict && conflict.theirs !== base && (
        <ConflictNotice
          theirs={conflict.theirs}
          overwrite={() => save(conflict.theirs)}
          take={() => {
            setBase(conflict.theirs);
            setDraft(`${draft.trimEnd()}\n\n${conflict.theirs}`);
            setView("write");
          }}
        />
      )}
      {saving.isError && <ErrorNotice error={saving.error} />}
      <div className="row wrap">
        <button type="submit" className="button primary" disabled={saving.isPending}>
          Save notes
        </button>
        <button type="button" className="button ghost" onClick={close}>
          Cancel
        </button>
        <span className="faint small">Markdown; Ctrl Enter saves</span>
      </div>
    </form>
  );
}

export function NotesPanel({ run }: { run: RunDetail }) {
  const [editing, setEditing] = useState(false);
  const opener = useReturnFocus(editing);
  return (
    <Panel
      title="Notes"
      aside={
        !editing && (
          <button ref={opener} type="button" className="button ghost" onClick={() => setEditing(true)}>
            <Icon name="edit" size={14} /> {run.notes ? "Edit" : "Write"}
          </button>
        )
      }
    >
      {editing ? (
        <Editor run={run} close={() => setEditing(false)} />
      ) : run.notes ? (
        <Shown text={run.notes} />
      ) : (
        <p className="muted">Why was this run made, and what did it show? Markdown works here.</p>
      )}
    </Panel>
  );
}
