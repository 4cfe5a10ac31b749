/** Curves as a drawing without a canvas: what a report shows, prints and takes along in a file. */

import { logTicks } from "./drawing";
import { type ApiNumber, toFloat } from "./number";
import { linear, padded, ticks } from "./scale";
import type { XAxis } from "./series";
import { extent } from "./statistics";

export interface FigureSeries {
  run: string;
  steps: readonly number[];
  times_ms: readonly number[];
  values: readonly ApiNumber[];
  origin_ms?: number;
  exact: boolean;
  non_finite?: number;
}

export interface FigureLine {
  run: string;
  /** The path's data; empty when nothing can be drawn. */
  path: string;
  /** The last point that can be drawn. */
  last: { x: number; y: number } | undefined;
}

export interface Figure {
  x: readonly [number, number];
  y: readonly [number, number];
  xTicks: { at: number; value: number }[];
  yTicks: { at: number; value: number }[];
  lines: FigureLine[];
  /** Values that are not finite, or not positive on a logarithmic axis. */
  undrawn: number;
  /** Whether each part of the axis shows its extremes rather than every point. */
  reduced: boolean;
}

export const FIGURE = { width: 480, height: 260, left: 54, right: 12, top: 10, bottom: 34 } as const;

function xOf(series: FigureSeries, axis: XAxis): number[] {
  if (axis === "step") return [...series.steps];
  if (axis === "wall") return [...series.times_ms];
  const origin = series.origin_ms ?? series.times_ms[0] ?? 0;
  return series.times_ms.map((time) => time - origin);
}

/** Line data; what cannot be drawn leaves a gap, a lone point becomes a dot. */
function pathOf(points: readonly { x: number; y: number }[]): string {
  let data = "";
  let open = false;
  points.forEach((point, i) => {
    if (!Number.isFinite(point.y)) {
      open = false;
      return;
    }
    const place = `${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
    data += open ? `L${place}` : `M${place}`;
    const next = points[i + 1];
    if (!open && !(next && Number.isFinite(next.y))) data += "h0.01";
    open = true;
  });
  return data;
}

/** Places everything; every point the hub sent is drawn, so that no extreme is lost. */
export function figureOf(series: readonly FigureSeries[], axis: XAxis, logY: boolean): Figure | undefined {
  const height = (value: number) => (logY ? (value > 0 ? Math.log10(value) : Number.NaN) : value);
  const lists = series.map((one) => {
    const xs = xOf(one, axis);
    const list = one.values.map((value, i) => ({ x: xs[i] ?? 0, y: height(toFloat(value) ?? Number.NaN) }));
    return list.map((point, i) => ({ ...point, i })).sort((a, b) => a.x - b.x || a.i - b.i);
  });
  const drawable = lists.flat().filter((point) => Number.isFinite(point.y));
  const x = extent(drawable.map((point) => point.x));
  const found = extent(drawable.map((point) => point.y));
  if (!x || !found) return undefined;
  const y = padded(found, 0.05);
  const wide: [number, number] = x[0] === x[1] ? [x[0] - 0.5, x[1] + 0.5] : x;
  const atX = linear(wide, [FIGURE.left, FIGURE.width - FIGURE.right]);
  const atY = linear(y, [FIGURE.height - FIGURE.bottom, FIGURE.top]);
  return {
    x: wide,
    y,
    xTicks: ticks(wide, 6).map((value) => ({ at: atX(value), value })),
    yTicks: logY
      ? logTicks(10 ** y[0], 10 ** y[1]).map((value) => ({ at: atY(Math.log10(value)), value }))
      : ticks(y, 5).map((value) => ({ at: atY(value), value })),
    lines: lists.map((list, i) => {
      const placed = list.map((point) => ({ x: atX(point.x), y: atY(point.y) }));
      return {
        run: series[i]?.run ?? "",
        path: pathOf(placed),
        last: placed.findLast((point) => Number.isFinite(point.y)),
      };
    }),
    undrawn: lists.flat().length - drawable.length,
    reduced: series.some((one) => !one.exact),
  };
}
