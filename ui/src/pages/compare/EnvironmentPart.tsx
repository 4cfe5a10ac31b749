/** Data, machine, interpreter and packages of the runs: what differs, packages as added, removed, changed. */

import { useState } from "react";
import { ErrorNotice, Loading } from "~/components/parts";
import {
  datasetValues,
  differs,
  environmentValues,
  packages,
  rowsOf,
  type ValueRow,
} from "~/model/differences";
import { plural } from "~/model/format";
import type { PartProps } from "./useCompare";
import { useSnapshots } from "./useSnapshots";
import { ValueGrid } from "./ValueGrid";

const plain = (row: ValueRow) => row.path;
const code = (row: ValueRow) => <code>{row.path}</code>;

export function EnvironmentPart({ comparison, colors, baseline }: PartProps) {
  const { runs } = comparison;
  const [all, setAll] = useState(false);
  const details = useSnapshots(runs, true);
  if (details.state === "failed") return <ErrorNotice error={details.error} retry={details.retry} />;
  if (details.state === "pending") return <Loading lines={4} />;
  const snapshots = details.runs.map((run) => run.snapshot);
  const shown = (rows: ValueRow[]) => (all ? rows : rows.filter(differs));
  const parts = [
    { title: "Data", rows: rowsOf(snapshots.map(datasetValues)), name: plain },
    { title: "Machine and interpreter", rows: rowsOf(snapshots.map(environmentValues)), name: plain },
    {
      title: "Packages",
      rows: rowsOf(snapshots.map((one) => packages(one.environment))).sort((a, b) =>
        a.path.localeCompare(b.path),
      ),
      name: code,
    },
  ];
  const sections = parts
    .map((part) => ({ ...part, rows: shown(part.rows) }))
    .filter((part) => part.rows.length > 0);
  const count = parts.reduce((sum, part) => sum + part.rows.filter(differs).length, 0);
  const silent = snapshots.filter((one) => packages(one.environment).size === 0).length;
  return (
    <div className="stack tight">
      <div className="toolbar">
        <span className="muted grow">
          {count === 0
            ? "Data, machine, interpreter and packages are the same as far as they were recorded."
            : `${plural(count, "value differs", "values differ")}.`}
        </span>
        <label className="row small">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> also what
          is the same
        </label>
      </div>
      {silent > 0 && silent < snapshots.length && (
        <p className="muted small">
          {plural(silent, "run")} recorded no packages: there "absent" says only that nothing is known.
        </p>
      )}
      {sections.length > 0 && (
        <ValueGrid
          label="Environment and data side by side"
          corner="What"
          runs={runs}
          colors={colors}
          baseline={baseline}
          sections={sections}
        />
      )}
    </div>
  );
}
