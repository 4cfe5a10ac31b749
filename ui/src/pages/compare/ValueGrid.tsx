/** Values of runs side by side, each marked for how it stands to the baseline's: by a sign and by colour. */

import type { ReactNode } from "react";
import type { RunSummary } from "~/api/types";
import { type Change, changeOf, type ValueRow } from "~/model/differences";
import { shortHash } from "~/model/format";
import { ColumnGrid, type GridRow } from "./ColumnGrid";
import { runColumns } from "./RunHead";

const ROW_HEIGHT = 34;
const SIGNS: Record<Change, string> = { same: "", added: "+", removed: "−", changed: "≠" };
const WORDS: Record<Change, string> = {
  same: "",
  added: "added",
  removed: "absent here",
  changed: "changed",
};
const HASH = /^(v\d+:)?[0-9a-f]{32,}$/;

export interface ValueSection {
  /** What the rows have in common; empty for none. */
  title: string;
  rows: readonly ValueRow[];
  name: (row: ValueRow) => ReactNode;
}

function Value({ value, change }: { value: string | undefined; change: Change }) {
  const shown = value === undefined ? "absent" : HASH.test(value) ? shortHash(value) : value;
  return (
    <span className="value-cell" title={value ?? "This run has no such value."}>
      {change !== "same" && (
        <span className="sign" title={WORDS[change]}>
          <span aria-hidden="true">{SIGNS[change]}</span>
          <span className="visually-hidden">{WORDS[change]}: </span>
        </span>
      )}
      <code className={`truncate ${value === undefined ? "faint" : ""}`}>{shown}</code>
    </span>
  );
}

function gridRows(sections: readonly ValueSection[], baseline: number): GridRow[] {
  return sections.flatMap(({ title, rows, name }) => [
    ...(title === "" ? [] : [{ key: `group ${title}`, head: <span className="muted">{title}</span> }]),
    ...rows.map((row): GridRow => {
      const change = (column: number) =>
        column === baseline ? "same" : changeOf(row.values[column], row.values[baseline]);
      return {
        key: `row ${title} ${row.path}`,
        head: (
          <span className="truncate" title={row.path}>
            {name(row)}
          </span>
        ),
        cell: (column) => <Value value={row.values[column]} change={change(column)} />,
        tone: (column) => change(column),
      };
    }),
  ]);
}

export function ValueGrid(props: {
  label: string;
  corner: string;
  runs: readonly RunSummary[];
  colors: ReadonlyMap<string, number>;
  baseline: number;
  sections: readonly ValueSection[];
}) {
  const { runs, colors, baseline } = props;
  return (
    <ColumnGrid
      label={props.label}
      corner={props.corner}
      columns={runColumns(runs, colors, baseline)}
      rows={gridRows(props.sections, baseline)}
      rowHeight={ROW_HEIGHT}
    />
  );
}
