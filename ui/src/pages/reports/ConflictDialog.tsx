/** Another saved the report meanwhile: what to do with one's own changes is asked, not guessed. */

import { Dialog } from "~/components/Dialog";
import { formatTime } from "~/model/format";
import { NAME_MAX, type StoredDocument } from "~/model/report";
import type { Saving } from "./useSaving";

export function ConflictDialog(props: { saving: Saving; theirs: StoredDocument; name: string }) {
  const { saving, theirs } = props;
  const copyName = `${props.name} (copy)`.slice(0, NAME_MAX);
  return (
    <Dialog title="The report was changed meanwhile" close={saving.dismiss}>
      <p>
        Revision {theirs.revision} was saved {formatTime(theirs.updated_at)}, after you began. Your changes
        are still here.
      </p>
      {saving.error && (
        <p role="alert" className="bad-text">
          {saving.error}
        </p>
      )}
      <div className="row end wrap">
        <button type="button" className="button" onClick={saving.dismiss}>
          Go on editing
        </button>
        <button type="button" className="button danger" disabled={saving.pending} onClick={saving.overwrite}>
          Replace theirs with mine
        </button>
        <button
          type="button"
          className="button primary"
          disabled={saving.pending}
          onClick={() => saving.saveCopy(copyName)}
        >
          Save mine as a copy
        </button>
      </div>
    </Dialog>
  );
}
