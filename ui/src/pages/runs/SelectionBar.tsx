/** What can be done with the checked runs. Whatever takes something away asks first. */

import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Icon } from "~/components/Icon";
import { plural } from "~/model/format";
import { DeletionDialog, type DeletionWish } from "~/pages/deleted/DeletionDialog";
import type { Selection } from "./lines";

export function SelectionBar({ selection }: { selection: Selection }) {
  const [wish, setWish] = useState<DeletionWish>();
  const all = [...selection.ids.values()];
  const ids = all.map((run) => run.id);
  const shown = all.filter((run) => !run.deleted_at).map((run) => run.id);
  const gone = all.filter((run) => run.deleted_at).map((run) => run.id);
  if (all.length === 0 && !wish) return null;
  return (
    <section className="selection-bar" aria-label="Checked runs">
      <span className="muted">{plural(all.length, "run")} checked</span>
      {ids.length >= 2 && (
        <Link to="/compare" search={{ runs: ids.join(",") }} className="button primary">
          <Icon name="compare" /> Compare {ids.length}
        </Link>
      )}
      {gone.length > 0 && (
        <button type="button" className="button" onClick={() => setWish({ action: "restore", runs: gone })}>
          <Icon name="reset" size={14} /> Restore {gone.length}
        </button>
      )}
      {shown.length > 0 && (
        <button
          type="button"
          className="button danger"
          onClick={() => setWish({ action: "delete", runs: shown })}
        >
          <Icon name="trash" size={14} /> Delete {shown.length}
        </button>
      )}
      {gone.length > 0 && (
        <button
          type="button"
          className="button danger"
          onClick={() => setWish({ action: "purge", runs: gone })}
        >
          <Icon name="trash" size={14} /> Purge {gone.length}
        </button>
      )}
      <span className="grow" />
      <button type="button" className="button ghost" onClick={selection.clear}>
        Clear
      </button>
      {wish && <DeletionDialog wish={wish} close={() => setWish(undefined)} done={selection.clear} />}
    </section>
  );
}
