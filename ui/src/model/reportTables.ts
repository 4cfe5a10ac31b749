/** Panels of a report as tables of text: on the page and in the file they are the same. */

import type { Comparison, MetricRow, RunFound } from "~/api/types";
import { groupsTable, metricRows, runsTable } from "./compareMetrics";
import { groupOf } from "./compareSummary";
import { against, type GroupTest } from "./compareTests";
import { configRows } from "./differences";
import { formatFixed, formatTime } from "./format";
import type { ConfigPanel, MetricsPanel, RunsPanel } from "./report";
import type { TextTable } from "./tables";

/** Rows shown of one panel. */
export const TABLE_ROWS_MAX = 200;

export interface PanelTable {
  table: TextTable;
  /** What a reader must know about it, in sentences. */
  notes: string[];
}

/** Which metrics a panel shows: those chosen, else the evaluated ones, else all. */
export function chosenMetrics(rows: readonly MetricRow[], chosen: readonly string[]): MetricRow[] {
  if (chosen.length > 0) {
    const byName = new Map(rows.map((row) => [row.name, row]));
    return chosen.flatMap((name) => byName.get(name) ?? []);
  }
  const evaluated = rows.filter((row) => row.definition);
  return metricRows(evaluated.length > 0 ? evaluated : rows, { find: "", sort: "usual", tests: [] });
}

function cut(table: TextTable, what: string): { table: TextTable; notes: string[] } {
  if (table.rows.length <= TABLE_ROWS_MAX) return { table, notes: [] };
  const rows = table.rows.slice(0, TABLE_ROWS_MAX);
  return {
    table: { ...table, rows },
    notes: [`The first ${TABLE_ROWS_MAX} of ${table.rows.length} ${what}.`],
  };
}

function reasons(
  comparison: Comparison,
  rows: readonly MetricRow[],
  tests: readonly GroupTest[],
  base: string | undefined,
): string[] {
  if (base === undefined) return [];
  const found = rows.flatMap((row) =>
    comparison.groups.flatMap((group) => against(tests, row.name, group.group, base)?.reason ?? []),
  );
  return [...new Set(found)].map((reason) => `No verdict: ${reason}.`);
}

export function metricsPanelTable(
  panel: MetricsPanel,
  comparison: Comparison,
  tests: readonly GroupTest[],
): PanelTable {
  const rows = chosenMetrics(comparison.metrics, panel.metrics);
  const known = new Set(comparison.metrics.map((row) => row.name));
  const absent = panel.metrics.filter((name) => !known.has(name));
  const missing = absent.length > 0 ? [`No run has ${absent.join(", ")}.`] : [];
  if (panel.by === "runs") {
    const { table, notes } = cut(runsTable(comparison.runs, rows), "metrics");
    const about = "★ best single value; in brackets 95 % intervals over the examples of the split.";
    return { table, notes: [...notes, ...missing, about] };
  }
  const base = groupOf(comparison, panel.baseline ?? comparison.runs[0]?.id);
  const { table, notes } = cut(groupsTable(comparison.groups, rows, tests, base), "metrics");
  const tested = tests.length > 0 ? " Welch's t-test, p corrected by Holm over all pairs and metrics." : "";
  const about = `Mean ± standard deviation over seeds.${tested}`;
  return { table, notes: [...notes, ...missing, about, ...reasons(comparison, rows, tests, base)] };
}

export function configPanelTable(_panel: ConfigPanel, comparison: Comparison): PanelTable {
  const rows = configRows(comparison.config);
  if (rows.length === 0) {
    return { table: { head: [], rows: [] }, notes: ["The resolved configs are the same in every value."] };
  }
  return cut(
    {
      head: ["config", ...comparison.runs.map((run) => run.name)],
      rows: rows.map((row) => [row.path, ...row.values.map((value) => value ?? "absent")]),
    },
    "config values",
  );
}

function scalar(value: RunFound["values"][string] | undefined): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? formatFixed(value) : String(value);
}

export function runsPanelTable(panel: RunsPanel, runs: readonly RunFound[], total: number): PanelTable {
  return {
    table: {
      head: ["run", "state", ...panel.columns, "created"],
      rows: runs.map((run) => [
        run.name,
        run.state,
        ...panel.columns.map((column) => scalar(run.values[column])),
        formatTime(run.created_at),
      ]),
    },
    notes: total > runs.length ? [`The first ${runs.length} of ${total} runs found.`] : [],
  };
}
