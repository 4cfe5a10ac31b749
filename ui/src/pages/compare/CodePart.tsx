/** Where the code of the runs came from, files known by hash, and uncommitted changes beside the baseline's. */

import { useState } from "react";
import type { RunDetail } from "~/api/types";
import { ErrorNotice, Loading, Notice } from "~/components/parts";
import { codeValues, differs, fileHashes, patchOf, rowsOf, type ValueRow } from "~/model/differences";
import { plural } from "~/model/format";
import { PatchDiff } from "./PatchDiff";
import type { PartProps } from "./useCompare";
import { useSnapshots } from "./useSnapshots";
import { ValueGrid } from "./ValueGrid";

const plain = (row: ValueRow) => row.path;
const code = (row: ValueRow) => <code>{row.path}</code>;

export function CodePart({ comparison, colors, baseline }: PartProps) {
  const { runs } = comparison;
  const details = useSnapshots(runs, true);
  if (details.state === "failed") return <ErrorNotice error={details.error} retry={details.retry} />;
  if (details.state === "pending") return <Loading lines={4} />;
  const snapshots = details.runs.map((run) => run.snapshot);
  const sections = [
    { title: "Origin", rows: rowsOf(snapshots.map(codeValues)).filter(differs), name: plain },
    { title: "Files by hash", rows: rowsOf(snapshots.map(fileHashes)).filter(differs), name: code },
  ].filter((part) => part.rows.length > 0);
  const unversioned = snapshots.filter((one) => !codeValues(one).has("commit")).length;
  return (
    <div className="stack tight">
      {unversioned > 0 && (
        <p className="muted small">
          {plural(unversioned, "run")} came from outside a git repository: their files are known by hash
          alone, so it shows which differ but not how.
        </p>
      )}
      {sections.length === 0 ? (
        <p className="muted">Commit, files and command are the same as far as they were recorded.</p>
      ) : (
        <ValueGrid
          label="Code side by side"
          corner="What"
          runs={runs}
          colors={colors}
          baseline={baseline}
          sections={sections}
        />
      )}
      <Changes runs={details.runs} baseline={baseline} />
    </div>
  );
}

/** Uncommitted changes of one run beside those of the baseline. */
function Changes({ runs, baseline }: { runs: readonly RunDetail[]; baseline: number }) {
  const [chosen, setChosen] = useState<string>();
  const base = runs[baseline];
  const others = runs.filter((run) => run.id !== base?.id);
  const withPatch = others.filter((run) => patchOf(run.snapshot) !== undefined);
  const other = others.find((run) => run.id === chosen) ?? withPatch[0] ?? others[0];
  if (!base || !other) return null;
  const [from, to] = [patchOf(base.snapshot), patchOf(other.snapshot)];
  if (from === undefined && withPatch.length === 0) return null;
  return (
    <section className="stack tight" aria-label="Uncommitted changes">
      <div className="toolbar">
        <h3>Uncommitted changes</h3>
        <label className="row small muted">
          of
          <select className="select" value={other.id} onChange={(event) => setChosen(event.target.value)}>
            {others.map((run) => (
              <option key={run.id} value={run.id}>
                {run.name}
                {patchOf(run.snapshot) === undefined ? " (none)" : ""}
              </option>
            ))}
          </select>
          beside {base.name}
        </label>
      </div>
      {codeValues(base.snapshot).get("commit") !== codeValues(other.snapshot).get("commit") && (
        <Notice>
          The two runs started from different commits; the changes below are each against its own commit.
        </Notice>
      )}
      <PatchDiff from={from ?? ""} to={to ?? ""} fromName={base.name} toName={other.name} />
    </section>
  );
}
