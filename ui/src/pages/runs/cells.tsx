/** Cells of the runs table: of a run, and of a folded seed group. */

import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { RunSummary } from "~/api/types";
import { Icon } from "~/components/Icon";
import { StateBadge, Swatch } from "~/components/parts";
import type { TableColumn } from "~/model/columns";
import {
  formatAge,
  formatDuration,
  formatFixed,
  formatNumber,
  formatTime,
  fullNumber,
  plural,
  runDuration,
} from "~/model/format";
import { groupMetric, sharedValue, type TableRow } from "~/model/groups";
import { spread } from "~/model/statistics";

type Line = TableRow<RunSummary>;

const NUMERIC_FIELDS = new Set(["seed", "duration", "created"]);

export function isNumeric(column: TableColumn | undefined): boolean {
  return column?.kind === "metric" || (column?.kind === "field" && NUMERIC_FIELDS.has(column.name));
}

export function CheckCell(props: {
  line: Line;
  selected: ReadonlySet<string>;
  select: (ids: string | readonly string[], on?: boolean) => void;
}) {
  const { line, selected, select } = props;
  const box = useRef<HTMLInputElement>(null);
  const ids = line.kind === "run" ? [line.run.id] : line.runs.map((run) => run.id);
  const count = ids.filter((id) => selected.has(id)).length;
  const all = count === ids.length;
  useEffect(() => {
    if (box.current) box.current.indeterminate = count > 0 && !all;
  }, [count, all]);
  const name = line.kind === "run" ? line.run.name : `seed group of ${line.runs[0]?.experiment ?? ""}`;
  return (
    <input
      ref={box}
      type="checkbox"
      aria-label={`Check ${name}`}
      checked={all}
      onChange={() => select(ids, !all)}
    />
  );
}

/** What the members of a group are called: the experiment, told apart by adapter where names agree. */
function groupName(runs: readonly RunSummary[]): string {
  const [first, ...rest] = runs;
  if (!first) return "";
  let length = first.name.length;
  for (const run of rest) {
    while (!run.name.startsWith(first.name.slice(0, length))) length -= 1;
  }
  const common = first.name.slice(0, length).replace(/[\s\-_.:#=]+(seed|s)?[\s\-_.:#=]*$/i, "");
  return common.length >= 3 ? common : first.experiment;
}

export function NameCell(props: {
  line: Line;
  colors: ReadonlyMap<string, number>;
  toggleOpen: (group: string) => void;
}) {
  const { line, colors } = props;
  if (line.kind === "run") {
    const { run } = line;
    return (
      <div className="name">
        <Swatch color={colors.get(run.id) ?? 0} />
        <Link to="/runs/$id" params={{ id: run.id }} title={`${run.name}\n${run.id}`}>
          {run.name}
        </Link>
      </div>
    );
  }
  const name = groupName(line.runs);
  return (
    <div className="name">
      <button
        type="button"
        className="fold"
        aria-expanded={line.open}
        aria-label={`${line.open ? "Fold" : "Unfold"} ${name}`}
        onClick={() => props.toggleOpen(line.group)}
      >
        <Icon name="chevron" size={13} />
      </button>
      <Link
        to="/compare"
        search={{ runs: line.runs.map((run) => run.id).join(",") }}
        title={`Compare the seeds of ${name}`}
      >
        {name}
      </Link>
      <span className="badge outline">{plural(line.runs.length, "seed")}</span>
    </div>
  );
}

export function ValueCell({ line, column, now }: { line: Line; column: TableColumn; now: number }) {
  return line.kind === "run" ? (
    <RunValue run={line.run} column={column} now={now} />
  ) : (
    <GroupValue runs={line.runs} column={column} now={now} />
  );
}

function RunValue({ run, column, now }: { run: RunSummary; column: TableColumn; now: number }) {
  const { name } = column;
  if (column.kind === "metric") {
    const value = run.metrics[name];
    const interval = run.intervals[name];
    if (value === undefined) return <span className="faint">–</span>;
    const range = interval
      ? `\ninterval ${formatNumber(interval.low)} to ${formatNumber(interval.high)}`
      : "";
    return <span title={`${fullNumber(value)}${range}`}>{formatFixed(value)}</span>;
  }
  if (column.kind === "param") return <Text value={run.params[name]} />;
  if (column.kind === "tag") return <Text value={run.tags[name]} />;
  switch (name) {
    case "state":
      return <StateBadge state={run.state} stopping={run.stop_requested} />;
    case "duration":
      return <span>{formatDuration(runDuration(run, now))}</span>;
    case "created":
      return <span title={formatTime(run.created_at)}>{formatAge(run.created_at, now)}</span>;
    default:
      return <Text value={plainField(run, name)} />;
  }
}

function plainField(run: RunSummary, name: string): string | undefined {
  const value = {
    experiment: run.experiment,
    adapter: run.adapter,
    seed: run.seed,
    dataset: run.dataset,
    owner: run.owner,
  }[name];
  return value === null || value === undefined ? undefined : String(value);
}

function Text({ value }: { value: string | undefined }) {
  return value === undefined || value === "" ? (
    <span className="faint">–</span>
  ) : (
    <span title={value}>{value}</span>
  );
}

function GroupValue({
  runs,
  column,
  now,
}: {
  runs: readonly RunSummary[];
  column: TableColumn;
  now: number;
}) {
  const { name } = column;
  if (column.kind === "metric") {
    const stats = groupMetric(runs, name);
    if (!stats) return <span className="faint">–</span>;
    return (
      <span title={`mean ${stats.mean}, standard deviation ${stats.std ?? "unknown"}, n = ${stats.n}`}>
        {formatFixed(stats.mean)}
        {stats.std !== undefined && <span className="plusminus"> ± {formatNumber(stats.std, 2)}</span>}
      </span>
    );
  }
  if (column.kind === "param")
    return <Text value={sharedValue(runs, (run) => run.params[name]) ?? "varies"} />;
  if (column.kind === "tag") return <Text value={sharedValue(runs, (run) => run.tags[name])} />;
  switch (name) {
    case "state":
      return <GroupStates runs={runs} />;
    case "seed":
      return <span className="muted">{runs.length}</span>;
    case "duration":
      return <span>{formatDuration(spread(runs.map((run) => runDuration(run, now)))?.mean)}</span>;
    case "created":
      return <span>{formatAge(Math.max(...runs.map((run) => run.created_at)), now)}</span>;
    default:
      return <Text value={sharedValue(runs, (run) => plainField(run, name))} />;
  }
}

function GroupStates({ runs }: { runs: readonly RunSummary[] }) {
  const shared = sharedValue(runs, (run) => run.state);
  if (shared !== undefined) return <StateBadge state={shared} />;
  const counts = new Map<string, number>();
  for (const run of runs) counts.set(run.state, (counts.get(run.state) ?? 0) + 1);
  const worst =
    ["failed", "lost", "running", "queued", "stopped"].find((state) => counts.has(state)) ?? "finished";
  const text = [...counts].map(([state, n]) => `${n} ${state}`).join(", ");
  return (
    <span title={text}>
      <StateBadge state={worst} />
    </span>
  );
}
