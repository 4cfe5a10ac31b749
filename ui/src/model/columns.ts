/** Columns of the runs table: operands of the query language, found in runs, chosen by the reader. */

import {
  evaluatedOperand,
  joinList,
  metricOperand,
  paramOperand,
  readOperand,
  splitList,
  tagOperand,
} from "./language";
import { headlineRank, isSystem } from "./metrics";
import type { ApiNumber } from "./number";

export type ColumnKind = "field" | "metric" | "param" | "tag";

export interface TableColumn {
  /** The operand, also in the address: `state`, `metrics.loss`, `max(metrics.acc)`. */
  id: string;
  kind: ColumnKind;
  label: string;
  numeric: boolean;
  /** The direction that is sorted by first. */
  first: "asc" | "desc";
  width: number;
}

/** What the table reads of runs to find its columns. */
export interface ColumnSource {
  metrics: Record<string, ApiNumber>;
  intervals: Record<string, unknown>;
  params: Record<string, string>;
  tags: Record<string, string>;
  adapter?: string | null | undefined;
}

const FIELDS: Record<string, { label: string; width: number; numeric?: boolean; late?: boolean }> = {
  state: { label: "State", width: 104 },
  experiment: { label: "Experiment", width: 128 },
  adapter: { label: "Adapter", width: 104 },
  seed: { label: "Seed", width: 70, numeric: true },
  dataset: { label: "Dataset", width: 120 },
  duration: { label: "Duration", width: 92, numeric: true, late: true },
  created: { label: "Age", width: 76, numeric: true, late: true },
  started: { label: "Started", width: 160, numeric: true, late: true },
  ended: { label: "Ended", width: 160, numeric: true, late: true },
  deleted: { label: "Deleted", width: 84, numeric: true, late: true },
  owner: { label: "Owner", width: 96 },
  project: { label: "Project", width: 120 },
  group: { label: "Seed group", width: 104 },
  attempt: { label: "Attempt", width: 84, numeric: true, late: true },
  adapter_version: { label: "Adapter version", width: 130 },
  notes: { label: "Notes", width: 200 },
  name: { label: "Name", width: 200 },
  id: { label: "Id", width: 140 },
};

/** Fields in the order they are offered. */
export const FIELD_NAMES: readonly string[] = Object.keys(FIELDS);

/** Columns a table has at most. */
export const COLUMNS_MAX = 2000;

/** What runs are told by stands before their results, the rest behind them. */
const FIRST_FIELDS = ["state"];
const LAST_FIELDS = ["seed", "duration", "created", "adapter"];
const DEFAULT_METRICS_MAX = 6;
const DEFAULT_PARAMS_MAX = 2;

/** The column of an operand; undefined where the text is none. */
export function columnOf(id: string): TableColumn | undefined {
  const operand = readOperand(id);
  if (!operand) return undefined;
  switch (operand.kind) {
    case "field": {
      const field = FIELDS[operand.name];
      if (!field) return undefined;
      const { label, width, numeric = false, late = false } = field;
      return { id, kind: "field", label, width, numeric, first: late ? "desc" : "asc" };
    }
    case "metric": {
      const label = operand.of === "last" ? operand.name : `${operand.of}(${operand.name})`;
      return { id, kind: "metric", label, width: 120, numeric: true, first: "desc" };
    }
    case "evaluated": {
      const label = `${operand.split}/${operand.name}`;
      return { id, kind: "metric", label, width: 120, numeric: true, first: "desc" };
    }
    case "group":
      return { id, kind: "metric", label: id, width: 190, numeric: true, first: "desc" };
    case "param":
      return { id, kind: "param", label: operand.name, width: 124, numeric: false, first: "asc" };
    case "tag":
      return { id, kind: "tag", label: operand.name, width: 120, numeric: false, first: "asc" };
  }
}

function names(
  rows: readonly ColumnSource[],
  read: (row: ColumnSource) => Record<string, unknown>,
): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(read(row))))].sort();
}

/** Every column the runs have something for: fields, then metrics, params, tags by name. */
export function discoverColumns(rows: readonly ColumnSource[]): TableColumn[] {
  const evaluated = new Set(names(rows, (row) => row.intervals));
  const ids = [
    ...FIELD_NAMES,
    ...names(rows, (row) => row.metrics)
      .filter((name) => !isSystem(name))
      .map((name) => (evaluated.has(name) ? evaluatedOperand(name) : metricOperand(name))),
    ...names(rows, (row) => row.params).map(paramOperand),
    ...names(rows, (row) => row.tags).map(tagOperand),
  ];
  return ids.flatMap((id) => columnOf(id) ?? []);
}

/** Metrics worth a column, the most telling first: well-known ones, then those that most runs have. */
export function headlineMetrics(rows: readonly ColumnSource[]): string[] {
  const evaluated = new Set(names(rows, (row) => row.intervals));
  const runs = new Map<string, number>();
  for (const row of rows) {
    for (const name of Object.keys(row.metrics)) runs.set(name, (runs.get(name) ?? 0) + 1);
  }
  const rank = (name: string) => headlineRank(name, evaluated);
  return [...runs.keys()]
    .filter((name) => !isSystem(name))
    .sort((a, b) => rank(a) - rank(b) || (runs.get(b) ?? 0) - (runs.get(a) ?? 0) || a.localeCompare(b))
    .slice(0, DEFAULT_METRICS_MAX)
    .map((name) => (evaluated.has(name) ? evaluatedOperand(name) : metricOperand(name)));
}

/** Params that tell the runs apart. */
export function tellingParams(rows: readonly ColumnSource[]): string[] {
  return names(rows, (row) => row.params)
    .filter((name) => new Set(rows.map((row) => row.params[name])).size > 1)
    .map(paramOperand);
}

/** The columns shown when the reader chose none: a few that tell runs apart. */
export function defaultColumns(rows: readonly ColumnSource[]): string[] {
  const adapted = rows.some((row) => row.adapter);
  const common = (id: string) => {
    const name = readOperand(id)?.name ?? "";
    return rows.filter((row) => name in row.params).length * 2 >= rows.length;
  };
  return [
    ...FIRST_FIELDS,
    ...headlineMetrics(rows),
    ...tellingParams(rows).filter(common).slice(0, DEFAULT_PARAMS_MAX),
    ...LAST_FIELDS.filter((field) => field !== "adapter" || adapted),
  ];
}

/** The chosen columns in the order chosen, bounded; what is no operand is left out. */
export function shownColumns(chosen: string | undefined, rows: readonly ColumnSource[]): TableColumn[] {
  const ids = chosen === undefined ? defaultColumns(rows) : splitColumns(chosen);
  return [...new Set(ids)].slice(0, COLUMNS_MAX).flatMap((id) => columnOf(id) ?? []);
}

/** Stands for no curve at all, where an absent choice means the default one. */
export const NO_CURVES = "none";

/** The columns whose cells show their curve: the chosen ones, else the first metric that has one. */
export function curveColumns(chosen: string | undefined, columns: readonly TableColumn[]): TableColumn[] {
  const able = columns.filter((column) => curveMetric(column) !== undefined);
  if (chosen === undefined) return able.slice(0, 1);
  const ids = new Set(splitColumns(chosen));
  return able.filter((column) => ids.has(column.id));
}

/** The metric a column's curve is of: evaluated metrics and params have none. */
export function curveMetric(column: Pick<TableColumn, "id">): string | undefined {
  const operand = readOperand(column.id);
  return operand?.kind === "metric" && operand.of !== "count" ? operand.name : undefined;
}

export function joinColumns(ids: readonly string[]): string {
  return joinList(ids);
}

export function splitColumns(text: string): string[] {
  return splitList(text);
}

/** The choice with one column switched. */
export function toggleColumn(shown: readonly string[], id: string): string {
  const next = shown.includes(id) ? shown.filter((one) => one !== id) : [...shown, id];
  return joinColumns(next);
}
