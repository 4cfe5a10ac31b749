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
  /** Columns the runs of a group are fetched with. */
  columns: readonly string[];
}

export function CheckCell({ line, selection, columns }: Props) {
  if (line.kind === "run") {
    return <Box name={line.run.name} runs={[line.run]} selection={selection} toggle={selection.set} />;
  }
  return line.kind === "group" ? (
    <GroupBox group={line.group} selection={selection} columns={columns} />
  ) : null;
}

function GroupBox({ group, selection, columns }: { group: RunGroup } & Omit<Props, "line">) {
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
  toggle: (runs: readonly RunFound[], on: boolean) => void;
}) {
  const { runs, selection } = props;
  const box = useRef<HTMLInputElement>(null);
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
      onChange={() => props.toggle(runs, !all)}
    />
  );
}
