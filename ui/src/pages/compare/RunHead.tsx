/** A run as the head of a column: colour, name, seed, and whether it is the baseline. */

import { Link } from "@tanstack/react-router";
import type { RunSummary } from "~/api/types";
import { Swatch } from "~/components/parts";
import type { GridColumn } from "./ColumnGrid";

export function RunHead(props: { run: RunSummary; color: number; baseline: boolean }) {
  const { run } = props;
  return (
    <span className="run-head">
      <span className="row">
        <Swatch color={props.color} />
        <Link to="/runs/$id" params={{ id: run.id }} className="truncate" title={run.name}>
          {run.name}
        </Link>
      </span>
      <span className="faint small">
        {props.baseline ? "baseline" : run.seed === null || run.seed === undefined ? "" : `seed ${run.seed}`}
      </span>
    </span>
  );
}

export function runColumns(
  runs: readonly RunSummary[],
  colors: ReadonlyMap<string, number>,
  baseline: number,
): GridColumn[] {
  return runs.map((run, i) => ({
    id: run.id,
    head: <RunHead run={run} color={colors.get(run.id) ?? 0} baseline={i === baseline} />,
  }));
}
