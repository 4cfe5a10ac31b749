/** Bars of runs or seed groups: a value each, its interval with the method, and how many runs stand behind it. */

import { type AnalysisColumn, type AnalysisRow, readCell } from "./analysis";
import type { BarsState } from "./analysisState";
import { meanEstimate } from "./estimates";
import { extent } from "./statistics";

export interface Bar {
  key: string;
  name: string;
  color: number;
  value: number;
  low: number | undefined;
  high: number | undefined;
  /** Runs behind the value. */
  n: number;
  std: number | undefined;
  /** Values of the single runs, drawn as small dots. */
  values: readonly number[];
  /** The run to open; undefined for a group. */
  run: string | undefined;
}

export interface Bars {
  bars: readonly Bar[];
  /** Runs without a finite value. */
  left: number;
  /** How the intervals were made; undefined when there are none. */
  method: string | undefined;
}

const OF_RUNS = "Intervals are those the hub computed for each run.";
const OF_GROUPS =
  "Intervals are 95 % of Student’s t over the seeds of a group; a group of one has none. Small dots are the runs.";

/** Of names that end in a seed (`mlp-s1`, `mlp-s2`) what they share. */
export function sharedName(names: readonly string[]): string {
  const [first = "", ...others] = names;
  let length = first.length;
  for (const name of others) {
    let same = 0;
    while (same < length && name[same] === first[same]) same += 1;
    length = same;
  }
  if (others.every((name) => name === first)) return first;
  const shared = first.slice(0, length).replace(/[\s\-_/.:=]+((s|seed)[\s\-_.:=]?\d*)?$/i, "");
  return shared === "" ? first : shared;
}

interface Member {
  row: AnalysisRow;
  value: number;
}

function runBar({ row, value }: Member, column: string): Bar {
  const interval = row.intervals?.[column];
  const { low, high } = interval ?? {};
  return {
    key: row.id,
    name: row.name,
    color: row.color,
    value,
    low: Number.isFinite(low) ? low : undefined,
    high: Number.isFinite(high) ? high : undefined,
    n: 1,
    std: undefined,
    values: [],
    run: row.id,
  };
}

function groupBars(members: readonly Member[]): Bar[] {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const key = member.row.group ?? member.row.id;
    const list = groups.get(key);
    if (list) list.push(member);
    else groups.set(key, [member]);
  }
  return [...groups].flatMap(([key, list]) => {
    const values = list.map((member) => member.value);
    const estimate = meanEstimate(values);
    const [first] = list;
    if (!estimate || !first) return [];
    const name = sharedName(list.map((member) => member.row.name));
    const run = list.length === 1 ? first.row.id : undefined;
    return [{ ...estimate, key, name, color: first.row.color, values: list.length > 1 ? values : [], run }];
  });
}

/** The bars in the order that was chosen. */
export function buildBars(
  column: AnalysisColumn,
  rows: readonly AnalysisRow[],
  { by, order }: Pick<BarsState, "by" | "order">,
): Bars {
  const members = rows.flatMap((row): Member[] => {
    const cell = readCell(row.values[column.id], true);
    return cell.kind === "number" ? [{ row, value: cell.value }] : [];
  });
  const bars = by === "groups" ? groupBars(members) : members.map((member) => runBar(member, column.id));
  if (order !== "given")
    bars.sort((a, b) => (order === "descending" ? b.value - a.value : a.value - b.value));
  const banded = bars.some((bar) => bar.low !== undefined);
  return {
    bars,
    left: rows.length - members.length,
    method: banded ? (by === "groups" ? OF_GROUPS : OF_RUNS) : undefined,
  };
}

/** The value axis. Lengths of bars are compared, so theirs holds zero; dots are compared by place. */
export function barDomain(bars: readonly Bar[], mark: BarsState["mark"]): [number, number] {
  const found = extent(bars.flatMap((bar) => [bar.value, bar.low, bar.high, ...bar.values])) ?? [0, 1];
  const [low, high] = mark === "bars" ? [Math.min(0, found[0]), Math.max(0, found[1])] : found;
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const pad = (high - low) * 0.04;
  if (mark === "dots") return [low - pad, high + pad];
  return [low === 0 ? 0 : low - pad, high === 0 ? 0 : high + pad];
}
