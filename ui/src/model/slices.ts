/** Metrics by the values of a column, read from an evaluation's curves without trusting their shape. */

import { asArray, asNumber, asObject, asText } from "./json";
import { readDirection } from "./metrics";
import { padded } from "./scale";
import { extent } from "./statistics";

/** Slices of fewer rows say little; gates leave them out too unless told otherwise. */
export const SMALL_ROWS = 30;

export interface SliceMetric {
  name: string;
  definition: string;
  value: number | undefined;
  low: number | undefined;
  high: number | undefined;
}

export interface Slice {
  value: string;
  n: number;
  metrics: SliceMetric[];
}

export interface SliceColumn {
  column: string;
  slices: Slice[];
}

function finite(value: unknown): number | undefined {
  const number = asNumber(value);
  return number !== undefined && Number.isFinite(number) ? number : undefined;
}

function readMetric(value: unknown): SliceMetric[] {
  const body = asObject(value);
  const name = asText(body.name);
  if (name === undefined) return [];
  return [
    {
      name,
      definition: asText(body.definition) ?? name,
      value: asNumber(body.value),
      low: finite(body.low),
      high: finite(body.high),
    },
  ];
}

/** The columns of an evaluation's `curves`, in their order; none where nothing was sliced. */
export function readSlices(curves: unknown): SliceColumn[] {
  const columns = new Map<string, Slice[]>();
  for (const item of asArray(asObject(curves).slices)) {
    const body = asObject(item);
    const column = asText(body.column);
    if (column === undefined) continue;
    const slice = {
      value: asText(body.value) ?? String(body.value ?? ""),
      n: asNumber(body.n) ?? 0,
      metrics: asArray(body.metrics).flatMap(readMetric),
    };
    columns.set(column, [...(columns.get(column) ?? []), slice]);
  }
  return [...columns].map(([column, slices]) => ({ column, slices }));
}

/** Definitions that at least one of the slices has, in the order of the first that has them. */
export function sliceDefinitions({ slices }: SliceColumn): string[] {
  return [...new Set(slices.flatMap((slice) => slice.metrics.map((metric) => metric.definition)))];
}

/** The first metric that gets better in a direction, else the first. */
export function usualDefinition(
  definitions: readonly string[],
  directions: ReadonlyMap<string, string>,
): string | undefined {
  const directed = (definition: string) => readDirection(directions.get(definition)) !== "none";
  return definitions.find(directed) ?? definitions[0];
}

export interface SliceRow {
  value: string;
  n: number;
  small: boolean;
  /** Undefined where the slice's rows do not allow the metric. */
  metric: SliceMetric | undefined;
}

/** The slices by one metric, the worst first and those without a value last; without a direction as they come. */
export function sliceRows(
  { slices }: SliceColumn,
  definition: string,
  direction: string | undefined,
): SliceRow[] {
  const rows = slices.map(
    ({ value, n, metrics }): SliceRow => ({
      value,
      n,
      small: n < SMALL_ROWS,
      metric: metrics.find((metric) => metric.definition === definition),
    }),
  );
  const read = readDirection(direction);
  if (read === "none") return rows;
  const sign = read === "maximize" ? 1 : -1;
  const badness = (row: SliceRow) => {
    const value = row.metric?.value;
    return value === undefined || Number.isNaN(value) ? Number.NaN : sign * value;
  };
  return [...rows].sort((a, b) => {
    const [x, y] = [badness(a), badness(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    // Two infinities have no difference.
    return x === y ? 0 : x - y;
  });
}

/** One axis for all rows of a column. */
export function sliceDomain(rows: readonly SliceRow[]): [number, number] {
  const found = extent(rows.flatMap(({ metric }) => [metric?.value, metric?.low, metric?.high]));
  return padded(found ?? [0, 1]);
}

export interface SliceGap {
  gap: number;
  /** Names of the slices; of metrics without a direction the lowest and the highest. */
  worst: string;
  best: string;
  /** Small slices that are not looked at. */
  left: number;
}

/** How far apart the worst and the best slice are; small ones are left out. */
export function sliceGap(rows: readonly SliceRow[], direction: string | undefined): SliceGap | undefined {
  const told = rows.flatMap(({ value, small, metric }) =>
    !small && metric?.value !== undefined && Number.isFinite(metric.value)
      ? [{ name: value, value: metric.value }]
      : [],
  );
  if (told.length < 2) return undefined;
  const sorted = [...told].sort((a, b) => a.value - b.value);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (!low || !high) return undefined;
  const turned = readDirection(direction) === "minimize";
  const [worst, best] = turned ? [high, low] : [low, high];
  const left = rows.filter((row) => row.small).length;
  return { gap: high.value - low.value, worst: worst.name, best: best.name, left };
}
