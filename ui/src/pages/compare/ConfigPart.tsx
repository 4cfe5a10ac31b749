/** Config values side by side: what differs, or all of it; grouped by their path. */

import { useMemo, useState } from "react";
import { ErrorNotice, Loading, Segments } from "~/components/parts";
import {
  byPrefix,
  configRows,
  configValues,
  differs,
  leafName,
  rowsOf,
  type ValueRow,
} from "~/model/differences";
import { plural } from "~/model/format";
import type { TextTable } from "~/model/tables";
import { CopyMenu } from "./CopyMenu";
import type { PartProps } from "./useCompare";
import { useSnapshots } from "./useSnapshots";
import { ValueGrid } from "./ValueGrid";

function tableOf(runs: PartProps["comparison"]["runs"], rows: readonly ValueRow[]): TextTable {
  return {
    head: ["config", ...runs.map((run) => run.name)],
    rows: rows.map((row) => [row.path, ...row.values.map((value) => value ?? "absent")]),
  };
}

/** Rows that differ come with the comparison; all of them need each run's snapshot. */
function useRows({ comparison }: PartProps, all: boolean) {
  const details = useSnapshots(comparison.runs, all);
  const rows = useMemo(() => {
    if (!all || details.state !== "ready") return configRows(comparison.config);
    return rowsOf(details.runs.map((run) => configValues(run.snapshot.config)));
  }, [all, details, comparison]);
  return { details, rows };
}

export function ConfigPart(props: PartProps) {
  const { comparison, search, change, colors, baseline } = props;
  const { runs } = comparison;
  const all = search.all ?? false;
  const [find, setFind] = useState("");
  const { details, rows } = useRows(props, all);
  const needle = find.trim().toLowerCase();
  const found = rows.filter(
    (row) =>
      row.path.toLowerCase().includes(needle) ||
      row.values.some((value) => value?.toLowerCase().includes(needle)),
  );
  const sections = byPrefix(found).map((group) => ({
    title: group.prefix,
    rows: group.rows,
    name: (row: ValueRow) => (
      <code className={all && !differs(row) ? "faint" : ""}>{leafName(row.path)}</code>
    ),
  }));
  return (
    <div className="stack tight">
      <div className="toolbar">
        <Segments
          label="Config values shown"
          value={all ? "all" : "different"}
          onChange={(next) =>
            change(({ all: _, ...rest }) => (next === "all" ? { ...rest, all: true } : rest))
          }
          options={[
            ["different", `${comparison.config.length} differ`],
            ["all", "All"],
          ]}
        />
        <input
          type="search"
          className="input search"
          placeholder="Find a path or a value"
          aria-label="Find a config value"
          value={find}
          onChange={(event) => setFind(event.target.value)}
        />
        <span className="grow" />
        <CopyMenu label="Export the config" file="config.csv" table={() => tableOf(runs, found)} />
      </div>
      {all && details.state === "pending" && <Loading lines={3} />}
      {all && details.state === "failed" && <ErrorNotice error={details.error} retry={details.retry} />}
      {rows.length === 0 && (
        <p className="muted">
          The resolved configs of {plural(runs.length, "run")} are the same in every value.
        </p>
      )}
      {rows.length > 0 && found.length === 0 && <p className="muted">Nothing of that name or value.</p>}
      {found.length > 0 && (
        <ValueGrid
          label="Config values side by side"
          corner="Key"
          runs={runs}
          colors={colors}
          baseline={baseline}
          sections={sections}
        />
      )}
    </div>
  );
}
