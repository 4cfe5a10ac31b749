/** What can be done with the checked runs. Whatever takes something away asks first. */

import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Icon } from "~/components/Icon";
import { formatCount, plural } from "~/model/format";
import { ARCHIVED_TAG } from "~/model/request";
import { DeletionDialog, type DeletionWish } from "~/pages/deleted/DeletionDialog";
import type { Selection } from "./lines";
import { TagDialog } from "./TagDialog";
import { useTagging } from "./useTagging";

/** The hub compares no more. */
const COMPARE_MAX = 100;

interface Props {
  selection: Selection;
  /** Names of tags that runs have. */
  tagNames: readonly string[];
  /** Whether archived runs are shown, and can be taken back. */
  archived: boolean;
  /** Draws only these. */
  chart: ((ids: readonly string[]) => void) | undefined;
}

function Compare({ ids }: { ids: readonly string[] }) {
  if (ids.length < 2) return null;
  if (ids.length > COMPARE_MAX) {
    return <span className="muted small">{COMPARE_MAX} runs at most can be compared</span>;
  }
  return (
    <Link to="/compare" search={{ runs: ids.join(",") }} className="button primary">
      <Icon name="compare" /> Compare {ids.length}
    </Link>
  );
}

/** Archived runs have a tag; nothing else about them changes. */
function Archive({ ids, archived, done }: { ids: readonly string[]; archived: boolean; done: () => void }) {
  const { state, start } = useTagging();
  const set = async (value: string | null) => {
    const ended = await start(ids, { [ARCHIVED_TAG]: value });
    if (ended.failed === 0) done();
  };
  return (
    <>
      <button
        type="button"
        className="button"
        disabled={state?.running}
        title="Puts them aside: they get the tag `archived` and are left out of the table until you show them"
        onClick={() => void set("true")}
      >
        <Icon name="archive" size={14} /> Archive
      </button>
      {archived && (
        <button type="button" className="button" disabled={state?.running} onClick={() => void set(null)}>
          <Icon name="reset" size={14} /> Unarchive
        </button>
      )}
      {state?.running && (
        <span className="muted small" role="status">
          {formatCount(state.done)} of {formatCount(state.total)}
        </span>
      )}
      {state && !state.running && state.failed > 0 && (
        <span className="badge bad">
          {formatCount(state.failed)} failed: {state.reason}
        </span>
      )}
    </>
  );
}

export function SelectionBar({ selection, tagNames, archived, chart }: Props) {
  const [wish, setWish] = useState<DeletionWish>();
  const [tagging, setTagging] = useState(false);
  const all = [...selection.ids.values()];
  const ids = all.map((run) => run.id);
  const shown = all.filter((run) => !run.deleted_at).map((run) => run.id);
  const gone = all.filter((run) => run.deleted_at).map((run) => run.id);
  if (all.length === 0 && !wish) return null;
  const ask = (action: DeletionWish["action"], runs: string[], icon: "trash" | "reset", word: string) =>
    runs.length > 0 && (
      <button
        type="button"
        className={`button ${action === "restore" ? "" : "danger"}`}
        onClick={() => setWish({ action, runs })}
      >
        <Icon name={icon} size={14} /> {word} {formatCount(runs.length)}
      </button>
    );
  return (
    <section className="selection-bar" aria-label="Checked runs">
      <span className="muted">{plural(all.length, "run")} checked</span>
      <Compare ids={ids} />
      {chart && shown.length > 0 && (
        <button type="button" className="button" onClick={() => chart(shown)}>
          <Icon name="eye" size={14} /> Chart only these
        </button>
      )}
      {shown.length > 0 && (
        <button type="button" className="button" onClick={() => setTagging(true)}>
          <Icon name="tag" size={14} /> Tag
        </button>
      )}
      {shown.length > 0 && <Archive ids={shown} archived={archived} done={selection.clear} />}
      {ask("restore", gone, "reset", "Restore")}
      {ask("delete", shown, "trash", "Delete")}
      {ask("purge", gone, "trash", "Purge")}
      <span className="grow" />
      <button type="button" className="button ghost" onClick={selection.clear}>
        Clear
      </button>
      {wish && <DeletionDialog wish={wish} close={() => setWish(undefined)} done={selection.clear} />}
      {tagging && <TagDialog runs={shown} names={tagNames} close={() => setTagging(false)} />}
    </section>
  );
}
