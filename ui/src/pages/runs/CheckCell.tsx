/** The box that selects a run, or all runs of a group. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { groupRunsQuery } from "~/api/queries";
import type { RunFound, RunGroup } from "~/api/types";
import { keysText } from "./cells";
import type { RunLine, Selection } from "./lines";

interface Props {
  line: RunLine;
  selection: Selection;
  /** Picks the lines between this one and the one picked before. */
  pickTo: (line: RunLine, on: boolean) => void;
  /** Columns the runs of a group are fetched with. */
  columns: readonly string[];
}

export function CheckCell({ line, selection, pickTo, columns }: Props) {
  if (line.kind === "run") {
    const toggle = (runs: readonly RunFound[], on: boolean, shift: boolean) => {
      if (shift) pickTo(line, on);
      else selection.set(runs, on, line.at);
    };
    return <Box name={line.run.name} runs={[line.run]} selection={selection} toggle={toggle} />;
  }
  return line.kind === "group" ? (
    <GroupBox group={line.group} selection={selection} columns={columns} />
  ) : null;
}

function GroupBox(props: { group: RunGroup } & Pick<Props, "selection" | "columns">) {
  const { group, selection, columns } = props;
  const queries = useQueryClient();
  const query = groupRunsQuery(group.query, columns);
  const known = queries.getQueryData(query.queryKey)?.runs ?? [];
  const toggle = async (_: readonly RunFound[], on: boolean) => {
    const answer = await queries.ensureQueryData(query);
    selection.set(answer.runs, on);
  };
  return <Box name={`the runs of ${keysText(group)}`} runs={known} selection={selection} toggle={toggle} />;
}

function Box(props: {
  name: string;
  runs: readonly RunFound[];
  selection: Selection;
  toggle: (runs: readonly RunFound[], on: boolean, shift: boolean) => void;
}) {
  const { runs, selection } = props;
  const box = useRef<HTMLInputElement>(null);
  /** A change does not tell which keys are down; the press before it does. */
  const shift = useRef(false);
  const count = runs.filter((run) => selection.ids.has(run.id)).length;
  const all = runs.length > 0 && count === runs.length;
  useEffect(() => {
    if (box.current) box.current.indeterminate = count > 0 && !all;
  }, [count, all]);
  return (
    <input
      ref={box}
      type="checkbox"
      aria-label={`Check ${props.name}`}
      checked={all}
      onClick={(event) => {
        shift.current = event.shiftKey;
      }}
      onChange={() => props.toggle(runs, !all, shift.current)}
    />
  );
}
