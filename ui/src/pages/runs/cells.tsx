/** Cells of the runs table: of a run, and of a group. */

import { Link } from "@tanstack/react-router";
import type { RunFound, RunGroup, StatisticsView } from "~/api/types";
import { Icon } from "~/components/Icon";
import { StateBadge, Swatch } from "~/components/parts";
import { colorIndex } from "~/model/colors";
import type { TableColumn } from "~/model/columns";
import {
  formatAge,
  formatCount,
  formatDuration,
  formatFixed,
  formatNumber,
  formatTime,
  fullNumber,
  plural,
  runDuration,
  shortHash,
} from "~/model/format";
import { toFinite, toFloat } from "~/model/number";
import type { RunLine } from "./lines";

type Scalar = RunFound["values"][string];

const TIMES = new Set(["started", "ended", "deleted"]);

export function NameCell({ line, fold }: { line: RunLine; fold: (group: RunGroup) => void }) {
  if (line.kind === "run") {
    const { run } = line;
    return (
      <div className="name">
        <Swatch color={colorIndex(run.id)} />
        <Link to="/runs/$id" params={{ id: run.id }} title={`${run.name}\n${run.id}`}>
          {run.name}
        </Link>
        {run.deleted_at && <span className="badge warn">deleted</span>}
      </div>
    );
  }
  if (line.kind === "loading") return <span className="faint">loading its runs…</span>;
  if (line.kind === "more") {
    return (
      <span className="faint">
        the first {formatCount(line.shown)} of {formatCount(line.total)}
      </span>
    );
  }
  const count = plural(line.group.runs, "run");
  return (
    <div className="name">
      <button
        type="button"
        className="fold"
        aria-expanded={line.open}
        aria-label={`${line.open ? "Fold" : "Unfold"} ${count}: ${keysText(line.group)}`}
        onClick={() => fold(line.group)}
      >
        <Icon name="chevron" size={13} />
        <span className="badge outline">{count}</span>
      </button>
    </div>
  );
}

/** What the runs of a group have in common, for names that are read out. */
export function keysText(group: RunGroup): string {
  return Object.entries(group.keys)
    .map(([key, value]) => `${key} ${value ?? "none"}`)
    .join(", ");
}

export function ValueCell({ line, column, now }: { line: RunLine; column: TableColumn; now: number }) {
  if (line.kind === "run") return <RunValue run={line.run} column={column} now={now} />;
  if (line.kind !== "group") return null;
  if (column.id in line.group.keys) {
    return <ScalarValue value={line.group.keys[column.id]} column={column} now={now} />;
  }
  const statistics = line.group.statistics[column.id];
  return statistics ? <Statistics of={statistics} /> : null;
}

function RunValue({ run, column, now }: { run: RunFound; column: TableColumn; now: number }) {
  switch (column.id) {
    case "state":
      return <StateBadge state={run.state} stopping={run.stop_requested} />;
    case "duration":
      return <span>{formatDuration(runDuration(run, now))}</span>;
    case "created":
      return <span title={formatTime(run.created_at)}>{formatAge(run.created_at, now)}</span>;
    default:
      return <ScalarValue value={run.values[column.id]} column={column} now={now} />;
  }
}

function ScalarValue({
  value,
  column,
  now,
}: {
  value: Scalar | undefined;
  column: TableColumn;
  now: number;
}) {
  if (value === undefined || value === null || value === "") return <span className="faint">–</span>;
  if (column.kind === "metric")
    return <span title={fullNumber(toFloat(value))}>{formatFixed(toFloat(value) ?? 0)}</span>;
  if (typeof value === "number") {
    if (TIMES.has(column.id)) {
      const text = column.id === "deleted" ? formatAge(value, now) : formatTime(value);
      return <span title={formatTime(value)}>{text}</span>;
    }
    return <span>{column.id === "duration" ? formatDuration(value) : formatNumber(value)}</span>;
  }
  if (column.id === "state") return <StateBadge state={value} />;
  if (column.id === "group") return <code title={value}>{shortHash(value, 8)}</code>;
  return <span title={value}>{value}</span>;
}

/** Mean and deviation above, range and number of values below. */
function Statistics({ of }: { of: StatisticsView }) {
  const mean = toFloat(of.mean);
  if (of.count === 0 || mean === undefined) return <span className="faint">–</span>;
  const std = toFinite(of.std);
  const [low, high] = [toFloat(of.min), toFloat(of.max)];
  const text = `mean ${mean}, standard deviation ${std ?? "unknown"}, smallest ${low ?? "none"}, largest ${high ?? "none"}, ${plural(of.count, "value")}`;
  return (
    <div className="statistics" title={text}>
      <span>
        {formatFixed(mean)}
        {std !== undefined && <span className="plusminus"> ± {formatNumber(std, 2)}</span>}
      </span>
      <span className="faint small">
        {low !== undefined && high !== undefined && `${formatNumber(low, 3)} – ${formatNumber(high, 3)} · `}n
        = {formatCount(of.count)}
      </span>
    </div>
  );
}
