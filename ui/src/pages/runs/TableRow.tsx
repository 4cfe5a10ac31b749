/** One line of the runs table. */

import { memo } from "react";
import type { RunGroup } from "~/api/types";
import type { PlacedColumn } from "~/model/placing";
import { CheckCell } from "./CheckCell";
import { NameCell, ValueCell, WaitingName } from "./cells";
import type { RunLine, Selection, Sight } from "./lines";
import type { Shown } from "./RunsTable";
import type { Curves } from "./useCurves";

export interface RowProps {
  line: RunLine;
  at: number;
  shown: Shown;
  ids: readonly string[];
  picked: boolean;
  selection: Selection;
  pickTo: (line: RunLine, on: boolean) => void;
  hot: boolean;
  onHover: (run: string | undefined) => void;
  /** Whether the charts draw it; undefined where no eye is. */
  eye: boolean | undefined;
  sight: Sight | undefined;
  curves: Curves;
  fold: (group: RunGroup) => void;
  now: number;
}

function rowClass({ line, picked, hot }: RowProps): string {
  if (line.kind === "group") return "group";
  const nested = line.kind === "more" || line.nested;
  return [nested && "in-group", picked && "selected", hot && "hot"].filter(Boolean).join(" ");
}

/** Whether a line says the same; lines are made anew whenever the table moves. */
function isSameLine(a: RunLine, b: RunLine): boolean {
  const names = Object.keys(a) as (keyof RunLine)[];
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function isSameRow(a: RowProps, b: RowProps): boolean {
  const names = Object.keys(a) as (keyof RowProps)[];
  return names.every((name) => a[name] === b[name] || (name === "line" && isSameLine(a.line, b.line)));
}

/** A row that is not here yet: scrolling far draws hundreds of these, so they are little. */
function WaitingRow({ line, at, shown }: Pick<RowProps, "line" | "at" | "shown">) {
  const fillers = 1 + Number(shown.before > 0) + Number(shown.after > 0);
  return (
    <tr aria-rowindex={at + 2} className={line.kind === "loading" && line.nested ? "in-group" : undefined}>
      <td className="pin" aria-colindex={1} />
      <td className="pin-2" aria-colindex={2}>
        <WaitingName nested={line.kind === "loading" && line.nested} />
      </td>
      <td className="filler" colSpan={shown.pinned.length + shown.columns.length + fillers} />
    </tr>
  );
}

export const TableRow = memo(function TableRow(props: RowProps) {
  if (props.line.kind === "loading") return <WaitingRow {...props} />;
  return <FullRow {...props} />;
}, isSameRow);

function FullRow(props: RowProps) {
  const { line, at, shown, ids, selection } = props;
  const run = line.kind === "run" ? line.run.id : undefined;
  const cell = (column: PlacedColumn, left?: number) => (
    <td
      key={column.id}
      className={`${column.pinned ? "pin-more" : ""} ${column.numeric ? "num" : ""}`.trim()}
      style={left === undefined ? undefined : { left }}
      aria-colindex={column.at + 3}
    >
      <ValueCell line={line} column={column} now={props.now} curves={props.curves} />
    </td>
  );
  return (
    <tr className={rowClass(props)} aria-rowindex={at + 2} onPointerEnter={() => props.onHover(run)}>
      <td className="pin" aria-colindex={1}>
        <CheckCell line={line} selection={selection} pickTo={props.pickTo} columns={ids} />
      </td>
      <td className="pin-2" aria-colindex={2}>
        <NameCell line={line} fold={props.fold} eye={props.eye} sight={props.sight} />
      </td>
      {shown.pinned.map((column, i) => cell(column, shown.lefts[i]))}
      {shown.before > 0 && <td className="filler" />}
      {shown.columns.map((column) => cell(column))}
      {shown.after > 0 && <td className="filler" />}
      <td className="filler" />
    </tr>
  );
}
