/** Columns of the runs table: found in the rows, chosen by the reader. */

import { headlineRank, isSystem } from "./metrics";
import type { ApiNumber } from "./number";

export type ColumnKind = "field" | "metric" | "param" | "tag";

export interface TableColumn {
  /** Stable name, also in the address: `field:state`, `metric:loss`. */
  id: string;
  kind: ColumnKind;
  /** The metric, param, tag or field. */
  name: string;
  label: string;
  /** What the hub is asked to sort by; undefined when it cannot. */
  sort: string | undefined;
  width: number;
}

/** What the table reads of a run to find its columns. */
export interface ColumnSource {
  metrics: Record<string, ApiNumber>;
  intervals: Record<string, unknown>;
  params: Record<string, string>;
  tags: Record<string, string>;
}

const FIELDS: readonly TableColumn[] = [
  { id: "field:state", kind: "field", name: "state", label: "State", sort: "state", width: 104 },
  {
    id: "field:experiment",
    kind: "field",
    name: "experiment",
    label: "Experiment",
    sort: undefined,
    width: 140,
  },
  { id: "field:adapter", kind: "field", name: "adapter", label: "Adapter", sort: undefined, width: 104 },
  { id: "field:seed", kind: "field", name: "seed", label: "Seed", sort: undefined, width: 70 },
  { id: "field:dataset", kind: "field", name: "dataset", label: "Dataset", sort: undefined, width: 120 },
  { id: "field:duration", kind: "field", name: "duration", label: "Duration", sort: undefined, width: 92 },
  { id: "field:created", kind: "field", name: "created", label: "Age", sort: "created", width: 76 },
  { id: "field:owner", kind: "field", name: "owner", label: "Owner", sort: undefined, width: 96 },
];

const DEFAULT_FIELDS = ["field:state", "field:adapter", "field:seed", "field:duration", "field:created"];
const DEFAULT_METRICS_MAX = 6;
const DEFAULT_PARAMS_MAX = 2;

/** Evaluated metrics are named `<split>/<name>` and are sorted by what was evaluated. */
export function metricSort(name: string, evaluated: boolean): string {
  return evaluated ? `evaluated:${name}` : `metric:${name}`;
}

function keyCounts(
  rows: readonly ColumnSource[],
  read: (row: ColumnSource) => Record<string, unknown>,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows)
    for (const key of Object.keys(read(row))) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Every column the rows have something for: fields, then metrics, params, tags by name. */
export function discoverColumns(rows: readonly ColumnSource[]): TableColumn[] {
  const metrics = [...keyCounts(rows, (row) => row.metrics).keys()].filter((name) => !isSystem(name)).sort();
  const evaluated = keyCounts(rows, (row) => row.intervals);
  const sorted = (read: (row: ColumnSource) => Record<string, unknown>) =>
    [...keyCounts(rows, read).keys()].sort();
  return [
    ...FIELDS,
    ...metrics.map((name): TableColumn => {
      const sort = metricSort(name, evaluated.has(name));
      return { id: `metric:${name}`, kind: "metric", name, label: name, sort, width: 148 };
    }),
    ...sorted((row) => row.params).map((name): TableColumn => {
      return { id: `param:${name}`, kind: "param", name, label: name, sort: `param:${name}`, width: 124 };
    }),
    ...sorted((row) => row.tags).map((name): TableColumn => {
      return { id: `tag:${name}`, kind: "tag", name, label: name, sort: undefined, width: 120 };
    }),
  ];
}

/** The columns shown when the reader chose none: a few that tell runs apart. */
export function defaultColumns(columns: readonly TableColumn[], rows: readonly ColumnSource[]): string[] {
  const evaluated = new Set(rows.flatMap((row) => Object.keys(row.intervals)));
  const metrics = columns
    .filter((column) => column.kind === "metric")
    .sort(
      (a, b) =>
        headlineRank(a.name, evaluated) - headlineRank(b.name, evaluated) || a.name.localeCompare(b.name),
    )
    .slice(0, DEFAULT_METRICS_MAX);
  const telling = columns
    .filter((column) => column.kind === "param")
    .filter((column) => new Set(rows.map((row) => row.params[column.name])).size > 1)
    .slice(0, DEFAULT_PARAMS_MAX);
  return [...DEFAULT_FIELDS, ...metrics.map((c) => c.id), ...telling.map((c) => c.id)];
}

/** The chosen columns in the order of discovery; metrics of a default choice keep their rank. */
export function shownColumns(
  columns: readonly TableColumn[],
  chosen: string | undefined,
  rows: readonly ColumnSource[],
): TableColumn[] {
  const ids = chosen === undefined ? defaultColumns(columns, rows) : splitColumns(chosen);
  const byId = new Map(columns.map((column) => [column.id, column]));
  const order = (id: string) => (id.startsWith("field:") ? 0 : 1);
  return [...ids]
    .sort((a, b) => order(a) - order(b))
    .flatMap((id) => {
      const column = byId.get(id);
      return column ? [column] : [];
    });
}

/** Columns in the address; names may hold commas, so these are escaped. */
export function joinColumns(ids: readonly string[]): string {
  return ids.map((id) => id.replaceAll("%", "%25").replaceAll(",", "%2C")).join(",");
}

export function splitColumns(text: string): string[] {
  return text
    .split(",")
    .filter(Boolean)
    .map((id) => id.replaceAll("%2C", ",").replaceAll("%25", "%"));
}

/** The choice with one column switched. */
export function toggleColumn(shown: readonly string[], id: string): string {
  const next = shown.includes(id) ? shown.filter((one) => one !== id) : [...shown, id];
  return joinColumns(next);
}
