/** The metric table of a comparison: order, differences to the baseline, and the table as text. */

import type { GroupSummary, MetricRow, RunSummary } from "~/api/types";
import type { MetricSort } from "./compare";
import { against, formatP, type GroupTest, signed, verdictText } from "./compareTests";
import { formatFixed, formatMeanStd } from "./format";
import { directionMark, headlineRank } from "./metrics";
import { toFinite, toFloat } from "./number";
import { extent } from "./statistics";
import type { TextTable } from "./tables";

/** How far apart the values lie, as a share of the largest; -1 where fewer than two have one. */
export function spreadOf(row: MetricRow): number {
  const finite = row.values.flatMap((value) => toFinite(value) ?? []);
  const range = extent(finite);
  if (!range || finite.length < 2) return -1;
  const size = Math.max(Math.abs(range[0]), Math.abs(range[1]));
  return size === 0 ? 0 : (range[1] - range[0]) / size;
}

function smallestP(row: MetricRow, tests: readonly GroupTest[]): number {
  return tests
    .filter((test) => test.metric === row.name)
    .reduce((low, test) => Math.min(low, test.pAdjusted ?? 2), 2);
}

/** Rows whose name contains the text, in the order chosen; by default evaluated metrics come first. */
export function metricRows(
  rows: readonly MetricRow[],
  options: { find: string; sort: MetricSort; tests: readonly GroupTest[] },
): MetricRow[] {
  const needle = options.find.trim().toLowerCase();
  const found = rows.filter((row) => row.name.toLowerCase().includes(needle));
  const evaluated = new Set(rows.filter((row) => row.definition).map((row) => row.name));
  const byName = (a: MetricRow, b: MetricRow) => a.name.localeCompare(b.name);
  const keyed = (key: (row: MetricRow) => number) => {
    const keys = new Map(found.map((row) => [row, key(row)]));
    return found.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0) || byName(a, b));
  };
  switch (options.sort) {
    case "name":
      return found.sort(byName);
    case "spread":
      return keyed((row) => -spreadOf(row));
    case "significance":
      return keyed((row) => smallestP(row, options.tests));
    default:
      return keyed((row) => headlineRank(row.name, evaluated));
  }
}

/** A run's value less the baseline's; undefined where one has none. */
export function deltaOf(row: MetricRow, run: number, baseline: number): number | undefined {
  const [own, other] = [toFinite(row.values[run]), toFinite(row.values[baseline])];
  return own === undefined || other === undefined ? undefined : own - other;
}

export function metricKey(row: MetricRow): string {
  return `${row.name}@${row.definition ?? ""}`;
}

/** What a seed group is called. */
export function groupName(group: GroupSummary): string {
  return group.adapter && group.adapter !== group.experiment
    ? `${group.experiment} · ${group.adapter}`
    : group.experiment;
}

/** Names of groups, told apart by their id where two are called the same. */
export function groupNames(groups: readonly GroupSummary[]): Map<string, string> {
  const names = groups.map(groupName);
  return new Map(
    groups.map((group, i) => {
      const name = names[i] ?? "";
      return [
        group.group,
        names.filter((one) => one === name).length > 1 ? `${name} (${group.group})` : name,
      ];
    }),
  );
}

function label(row: MetricRow): string {
  return `${row.name} ${directionMark(row.direction)}`.trim();
}

/** One column per run; intervals in brackets, the best marked. */
export function runsTable(runs: readonly RunSummary[], rows: readonly MetricRow[]): TextTable {
  return {
    head: ["metric", ...runs.map((run) => run.name)],
    rows: rows.map((row) => [
      label(row),
      ...runs.map((_, i) => {
        const interval = row.intervals[i];
        const range = interval ? ` [${formatFixed(interval.low)}, ${formatFixed(interval.high)}]` : "";
        return `${formatFixed(row.values[i])}${range}${row.best === i ? " ★" : ""}`;
      }),
    ]),
  };
}

/** Every digit, one column per value and per end of an interval: for further computing. */
export function runsCsv(runs: readonly RunSummary[], rows: readonly MetricRow[]): TextTable {
  const hasInterval = runs.map((_, i) => rows.some((row) => row.intervals[i]));
  const columns = (run: RunSummary, i: number) =>
    hasInterval[i] ? [run.name, `${run.name} low`, `${run.name} high`] : [run.name];
  const digits = (value: MetricRow["values"][number] | undefined) => {
    const float = toFloat(value);
    return float === undefined ? "" : String(float);
  };
  return {
    head: ["metric", "definition", "direction", ...runs.flatMap(columns)],
    rows: rows.map((row) => [
      row.name,
      row.definition ?? "",
      row.direction,
      ...runs.flatMap((_, i) => {
        const interval = row.intervals[i];
        const ends = hasInterval[i] ? [digits(interval?.low), digits(interval?.high)] : [];
        return [digits(row.values[i]), ...ends];
      }),
    ]),
  };
}

/** One column per seed group: mean and deviation, and the test against the baseline's group. */
export function groupsTable(
  groups: readonly GroupSummary[],
  rows: readonly MetricRow[],
  tests: readonly GroupTest[],
  baseline: string | undefined,
): TextTable {
  const names = groupNames(groups);
  const columns = groups.flatMap((group) => {
    const name = `${names.get(group.group)} (n = ${group.runs.length})`;
    return group.group === baseline || baseline === undefined ? [name] : [name, "against the baseline"];
  });
  return {
    head: ["metric", ...columns],
    rows: rows.map((row) => [
      label(row),
      ...groups.flatMap((group) => {
        const stats = group.metrics[row.name];
        const mean = stats ? formatMeanStd(toFinite(stats.mean), toFinite(stats.std)) : "–";
        if (group.group === baseline || baseline === undefined) return [mean];
        const test = against(tests, row.name, group.group, baseline);
        if (!test) return [mean, "–"];
        const p = test.pAdjusted === undefined ? "" : `, p ${formatP(test.pAdjusted)}`;
        return [mean, `${signed(test.difference)}${p}, ${verdictText(test.verdict)}`];
      }),
    ]),
  };
}
