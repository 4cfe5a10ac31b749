/** What a reader marks on axes, kept in values so that it means the same when runs are added. */

import type { AnalysisRow } from "./analysis";
import { type Axis, numberAt, placesOf, valueAt } from "./axis";
import { formatNumber } from "./format";
import { asArray, asNumber, asObject, asText } from "./json";

export type Brush = { from: number; to: number } | { of: string[] };
export type Brushes = Readonly<Record<string, Brush>>;

/** A stretch shorter than this is a press, not a brush. */
const LENGTH_MIN = 0.015;
/** An end this near to that of the axis is meant to be there: two or three pixels. */
const SNAP = 0.008;
/** Values that stand on an end belong to it in spite of rounding. */
const END_SLACK = 1e-9;

function categoriesBetween(axis: Axis, low: number, high: number): string[] {
  const count = axis.categories.length;
  return axis.categories.filter((_, i) => {
    const at = (i + 0.5) / count;
    return at >= low && at <= high;
  });
}

/** The brush over a stretch of an axis (0 to 1); undefined when it marks nothing or everything. */
export function brushOver(axis: Axis, one: number, other: number): Brush | undefined {
  const [start, end] = [Math.min(one, other), Math.max(one, other)];
  const low = start < SNAP ? 0 : start;
  const high = end > 1 - SNAP ? 1 : end;
  if (high - low < LENGTH_MIN || (low <= 0 && high >= 1)) return undefined;
  if (axis.scale !== "category") return { from: valueAt(axis, low), to: valueAt(axis, high) };
  const of = categoriesBetween(axis, low, high);
  return of.length === 0 ? undefined : { of };
}

/** Where a brush lies on its axis; undefined where it does not fit the axis. */
export function stretchOf(axis: Axis, brush: Brush | undefined): [number, number] | undefined {
  if (!brush) return undefined;
  if ("of" in brush) {
    const at = brush.of.map((name) => axis.categories.indexOf(name)).filter((index) => index >= 0);
    if (at.length === 0) return undefined;
    const count = axis.categories.length;
    return [Math.min(...at) / count, (Math.max(...at) + 1) / count];
  }
  if (axis.scale === "category") return undefined;
  const clamp = (value: number) => Math.min(1, Math.max(0, numberAt(axis, value) ?? 0));
  return [clamp(brush.from), clamp(brush.to)];
}

export function brushText(brush: Brush): string {
  if ("of" in brush) return brush.of.join(", ");
  return `${formatNumber(brush.from)} to ${formatNumber(brush.to)}`;
}

/** The rows inside of every brush; undefined when there is none. Without a value a row is outside. */
export function brushedRows(
  axes: readonly Axis[],
  brushes: Brushes,
  rows: readonly AnalysisRow[],
): Set<string> | undefined {
  const set = axes.flatMap((axis) => {
    const stretch = stretchOf(axis, brushes[axis.column.id]);
    return stretch ? [{ stretch, places: placesOf(axis, rows) }] : [];
  });
  if (set.length === 0) return undefined;
  const inside = rows.filter((_, i) =>
    set.every(({ stretch: [low, high], places }) => {
      const at = places[i];
      return at !== undefined && at >= low - END_SLACK && at <= high + END_SLACK;
    }),
  );
  return new Set(inside.map((row) => row.id));
}

/** Reads brushes without trusting their shape. */
export function readBrushes(value: unknown): Brushes {
  const entries = Object.entries(asObject(value)).flatMap(([id, raw]): [string, Brush][] => {
    const body = asObject(raw);
    const from = asNumber(body.from);
    const to = asNumber(body.to);
    if (from !== undefined && to !== undefined && from <= to) return [[id, { from, to }]];
    const of = asArray(body.of).flatMap((one) => asText(one) ?? []);
    return of.length > 0 ? [[id, { of }]] : [];
  });
  return Object.fromEntries(entries);
}
