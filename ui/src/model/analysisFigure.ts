/** The analysis charts as drawings without a canvas: what a report shows, prints and takes along in a file. */

import { type AnalysisColumn, type AnalysisRow, missingText, readCell } from "./analysis";
import type { BarsState, ParallelState, ScatterState } from "./analysisState";
import { type Axis, buildAxis, placesOf } from "./axis";
import { type Bar, barDomain, buildBars } from "./bars";
import { brushedRows, stretchOf } from "./brush";
import { seriesColor } from "./colors";
import { plural } from "./format";
import { rampCss } from "./ramp";
import { ticks } from "./scale";
import { buildScatter, type Dot, type ScatterModel } from "./scatter";

export const FRAME = { width: 720, height: 330, left: 64, right: 18, top: 34, bottom: 44 } as const;
const INNER = {
  width: FRAME.width - FRAME.left - FRAME.right,
  height: FRAME.height - FRAME.top - FRAME.bottom,
} as const;
const FAINT = "var(--faint)";
const RADIUS = 4.5;
const RADIUS_MIN = 3;
const RADIUS_MAX = 12;
/** Rows of bars in a drawing at most. */
export const BARS_MAX = 60;

export const atX = (share: number) => FRAME.left + share * INNER.width;
export const atY = (share: number) => FRAME.top + (1 - share) * INNER.height;
/** Runs without a value run along a shelf under the axes. */
const SHELF = FRAME.height - FRAME.bottom + 26;

const short = (value: number) => value.toFixed(1);

export interface ParallelFigure {
  axes: { axis: Axis; x: number; brush: [number, number] | undefined }[];
  lines: { id: string; name: string; path: string; color: string; out: boolean }[];
  color: Axis | undefined;
  notes: string[];
}

/** Lines outside of the brushes come first, so that they lie below. */
export function parallelFigure(
  columns: readonly AnalysisColumn[],
  rows: readonly AnalysisRow[],
  state: ParallelState,
): ParallelFigure | undefined {
  const axisOf = (id: string | null) => {
    const column = columns.find((one) => one.id === id);
    return column && buildAxis(column, rows, { log: state.log.includes(column.id) });
  };
  const axes = state.axes.flatMap((id) => axisOf(id) ?? []);
  if (axes.length === 0) return undefined;
  const color = axisOf(state.color);
  const shades = color && placesOf(color, rows);
  const places = axes.map((axis) => placesOf(axis, rows));
  const chosen = brushedRows(axes, state.brushes, rows);
  const x = (i: number) => atX(axes.length < 2 ? 0.5 : i / (axes.length - 1));
  const lines = rows.map((row, r) => {
    const out = chosen !== undefined && !chosen.has(row.id);
    const shade = shades?.[r];
    const own = shades ? (shade === undefined ? FAINT : rampCss(shade)) : seriesColor(row.color);
    const path = places.map((list, i) => {
      const at = list[r];
      return `${i === 0 ? "M" : "L"}${short(x(i))} ${short(at === undefined ? SHELF : atY(at))}`;
    });
    return { id: row.id, name: row.name, path: path.join(""), color: out ? FAINT : own, out };
  });
  const absent = places.some((list) => list.some((at) => at === undefined));
  return {
    axes: axes.map((axis, i) => ({ axis, x: x(i), brush: stretchOf(axis, state.brushes[axis.column.id]) })),
    lines: lines.sort((a, b) => Number(b.out) - Number(a.out)),
    color,
    notes: [
      chosen
        ? `${chosen.size} of ${plural(rows.length, "run")} inside the brushes`
        : plural(rows.length, "run"),
      ...(absent ? ["runs without a value run along the foot"] : []),
    ],
  };
}

export interface ScatterFigure {
  model: ScatterModel;
  dots: { id: string; name: string; x: number; y: number; radius: number; color: string }[];
  /** The staircase of the Pareto front, and the line of least squares; empty without one. */
  front: string;
  line: string;
  notes: string[];
}

function radiusOf(dot: Dot, model: ScatterModel): number {
  if (!model.size) return RADIUS;
  return Math.sqrt(RADIUS_MIN ** 2 + (dot.size ?? 0) * (RADIUS_MAX ** 2 - RADIUS_MIN ** 2));
}

function colorOf(dot: Dot, model: ScatterModel): string {
  if (!model.color) return seriesColor(dot.row.color);
  return dot.shade === undefined ? FAINT : rampCss(dot.shade);
}

/** Up or down first, then along: between two points of a front nothing better is known. */
function staircase(dots: readonly Dot[]): string {
  return dots
    .map((dot, i) =>
      i === 0 ? `M${short(atX(dot.x))} ${short(atY(dot.y))}` : `H${short(atX(dot.x))}V${short(atY(dot.y))}`,
    )
    .join("");
}

export function scatterFigure(
  columns: readonly AnalysisColumn[],
  rows: readonly AnalysisRow[],
  state: ScatterState,
): ScatterFigure | undefined {
  const model = buildScatter(columns, rows, state);
  if (!model) return undefined;
  // The large ones first, so that they do not hide the small.
  const dots = [...model.dots].sort((a, b) => (b.size ?? 0) - (a.size ?? 0));
  const { line } = model;
  return {
    model,
    dots: dots.map((dot) => ({
      id: dot.row.id,
      name: dot.row.name,
      x: atX(dot.x),
      y: atY(dot.y),
      radius: radiusOf(dot, model),
      color: colorOf(dot, model),
    })),
    front: staircase(model.front),
    line: line
      ? `M${short(atX(0))} ${short(atY(line.intercept))}L${short(atX(1))} ${short(atY(line.intercept + line.slope))}`
      : "",
    notes: [
      `${plural(model.dots.length, "run")} drawn`,
      ...(model.left.length > 0 ? [`not drawn: ${model.left.join("; ")}`] : []),
      ...(model.front.length > 0 ? [`${plural(model.front.length, "run")} on the Pareto front`] : []),
      ...(model.size ? [`area: ${model.size.column.label}`] : []),
    ],
  };
}

export interface BarsFigure {
  label: string;
  bars: Bar[];
  domain: [number, number];
  ticks: number[];
  notes: string[];
}

export function barsFigure(
  columns: readonly AnalysisColumn[],
  rows: readonly AnalysisRow[],
  state: BarsState,
): BarsFigure | undefined {
  const column = columns.find((one) => one.id === state.value);
  if (!column) return undefined;
  const { bars, method } = buildBars(column, rows, state);
  const shown = bars.slice(0, BARS_MAX);
  const domain = barDomain(shown, state.mark);
  const left = missingText(rows.map((row) => readCell(row.values[column.id], true)));
  return {
    label: column.label,
    bars: shown,
    domain,
    ticks: ticks(domain, 5),
    notes: [
      // Notes are joined to one sentence.
      (method ?? "no intervals: single values").replace(/\.$/, ""),
      ...(left ? [`not drawn: ${left}`] : []),
      ...(bars.length > shown.length ? [`the first ${shown.length} of ${bars.length}`] : []),
      ...(state.mark === "dots" && !(domain[0] <= 0 && domain[1] >= 0)
        ? ["the axis does not start at zero"]
        : []),
    ],
  };
}
