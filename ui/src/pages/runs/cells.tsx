/** Cells of the runs table: of a run, and of a group. */

import { useRouter } from "@tanstack/react-router";
import type { MouseEvent } from "react";
import type { RunFound, RunGroup, StatisticsView } from "~/api/types";
import { Icon } from "~/components/Icon";
import { StateBadge, Swatch } from "~/components/parts";
import { groupKey } from "~/model/charted";
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
import { ARCHIVED_COLUMN } from "~/model/request";
import { EyeButton } from "./EyeButton";
import type { RunLine, Sight } from "./lines";
import { Sparkline } from "./Sparkline";
import type { Curves } from "./useCurves";

type Scalar = RunFound["values"][string];

const TIMES = new Set(["started", "ended", "deleted"]);

interface NameProps {
  line: RunLine;
  fold: (group: RunGroup) => void;
  eye: boolean | undefined;
  sight: Sight | undefined;
}

export function NameCell(props: NameProps) {
  const { line } = props;
  switch (line.kind) {
    case "run":
      return <RunName {...props} run={line.run} at={line.at} />;
    case "loading":
      return <WaitingName nested={line.nested} />;
    case "more":
      return (
        <span className="faint">
          the first {formatCount(line.shown)} of {formatCount(line.total)}
        </span>
      );
    case "group":
      return <GroupName {...props} line={line} />;
  }
}

export function WaitingName({ nested }: { nested: boolean }) {
  if (nested) return <span className="faint">loading its runs…</span>;
  return <span className="row-waiting" role="status" aria-label="Loading" />;
}

/** A link of its own: the router's asks for its state at every drawing, and a table has hundreds of them. */
function RunLink({ run }: { run: RunFound }) {
  const router = useRouter();
  const to = { to: "/runs/$id", params: { id: run.id } } as const;
  const open = (event: MouseEvent) => {
    const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
    if (elsewhere || event.defaultPrevented) return;
    event.preventDefault();
    void router.navigate(to);
  };
  return (
    <a
      href={`/runs/${run.id}`}
      title={`${run.name}\n${run.id}`}
      onPointerDown={() => void router.preloadRoute(to)}
      onClick={open}
    >
      {run.name}
    </a>
  );
}

function RunName({ run, at, eye, sight }: NameProps & { run: RunFound; at: number | undefined }) {
  return (
    <div className="name">
      {eye !== undefined && (
        <EyeButton name={run.name} open={eye} change={(open) => sight?.look(run.id, at, open)} />
      )}
      <Swatch color={colorIndex(run.id)} />
      <RunLink run={run} />
      {run.deleted_at && <span className="badge warn">deleted</span>}
      {isArchived(run) && <span className="badge outline">archived</span>}
    </div>
  );
}

/** Known only where archived runs are shown, and then asked for. */
function isArchived(run: RunFound): boolean {
  const value = run.values[ARCHIVED_COLUMN];
  return value !== undefined && value !== null;
}

function GroupName(props: NameProps & { line: Extract<RunLine, { kind: "group" }> }) {
  const { line, eye, sight, fold } = props;
  const count = plural(line.group.runs, "run");
  const key = groupKey(line.group);
  return (
    <div className="name">
      {eye !== undefined && (
        <EyeButton
          name={`the runs of ${keysText(line.group)}`}
          open={eye}
          change={(open) => sight?.look(key, line.at, open)}
        />
      )}
      {eye !== undefined && <Swatch color={sight?.groupColor(line.group.query) ?? 0} />}
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

export function ValueCell(props: { line: RunLine; column: TableColumn; now: number; curves: Curves }) {
  const { line, column, now, curves } = props;
  if (line.kind === "run") {
    const value = <RunValue run={line.run} column={column} now={now} />;
    if (!curves.shows(column)) return value;
    return (
      <div className="with-spark">
        <Sparkline
          series={curves.of(line.run.id, column)}
          color={colorIndex(line.run.id)}
          name={column.label}
        />
        {value}
      </div>
    );
  }
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
  // Not asked for yet: other columns are on their way.
  if (value === undefined) return null;
  if (value === null || value === "") return <span className="faint">–</span>;
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
