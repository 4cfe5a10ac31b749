/** A scatter of runs: where the points stand, their colour and size, the front and the line over them. */

import { type AnalysisColumn, type AnalysisRow, missingText, readCell } from "./analysis";
import type { ScatterState } from "./analysisState";
import { type Axis, buildAxis, placesOf } from "./axis";
import { type Line, leastSquares } from "./estimates";
import { paretoFront } from "./pareto";

export interface Dot {
  row: AnalysisRow;
  /** Between 0 and 1, y upwards. */
  x: number;
  y: number;
  /** On the colour's axis; undefined: the run's own colour, or no value. */
  shade: number | undefined;
  /** On the size's axis. */
  size: number | undefined;
}

export interface ScatterModel {
  x: Axis;
  y: Axis;
  color: Axis | undefined;
  size: Axis | undefined;
  dots: readonly Dot[];
  /** From the best x on. */
  front: readonly Dot[];
  line: Line | undefined;
  /** What is not drawn, and why; empty when all is. */
  left: readonly string[];
}

/** Room beyond the outermost points. */
const PAD = 0.05;

function leftOut(
  axis: Axis,
  rows: readonly AnalysisRow[],
  places: readonly (number | undefined)[],
): string[] {
  const cells = rows.map((row) => readCell(row.values[axis.column.id], axis.column.numeric));
  const missing = missingText(cells);
  const unplaced = cells.filter((cell, i) => cell.kind !== "missing" && places[i] === undefined).length;
  return [
    ...(missing ? [`${axis.column.label}: ${missing}`] : []),
    ...(unplaced > 0 ? [`${axis.column.label}: ${unplaced} not above zero`] : []),
  ];
}

export function buildScatter(
  columns: readonly AnalysisColumn[],
  rows: readonly AnalysisRow[],
  state: ScatterState,
): ScatterModel | undefined {
  const find = (id: string | null) => columns.find((column) => column.id === id);
  const [xColumn, yColumn] = [find(state.x), find(state.y)];
  if (!xColumn || !yColumn) return undefined;
  const axisOf = (id: string | null) => {
    const column = find(id);
    return column ? buildAxis(column, rows) : undefined;
  };
  const x = buildAxis(xColumn, rows, { log: state.logX, pad: PAD });
  const y = buildAxis(yColumn, rows, { log: state.logY, pad: PAD });
  const color = axisOf(state.color);
  const size = axisOf(state.size);
  const [xs, ys] = [placesOf(x, rows), placesOf(y, rows)];
  const shades = color ? placesOf(color, rows) : undefined;
  const sizes = size ? placesOf(size, rows) : undefined;
  const dots = rows.flatMap((row, i): Dot[] => {
    const [at, up] = [xs[i], ys[i]];
    if (at === undefined || up === undefined) return [];
    return [{ row, x: at, y: up, shade: shades?.[i], size: sizes?.[i] }];
  });
  const bothNumbers = x.scale !== "category" && y.scale !== "category";
  const left =
    x.column.id === y.column.id ? leftOut(x, rows, xs) : [...leftOut(x, rows, xs), ...leftOut(y, rows, ys)];
  return {
    x,
    y,
    color,
    size,
    dots,
    front: bothNumbers && state.front ? frontOf(dots, state.front) : [],
    line: bothNumbers && state.regression ? leastSquares(dots) : undefined,
    left,
  };
}

function frontOf(dots: readonly Dot[], wishes: NonNullable<ScatterState["front"]>): Dot[] {
  const byId = new Map(dots.map((dot) => [dot.row.id, dot]));
  const places = dots.map((dot) => ({ id: dot.row.id, x: dot.x, y: dot.y }));
  return paretoFront(places, wishes.x, wishes.y).flatMap(({ id }) => byId.get(id) ?? []);
}

/** The dot nearest to a place in pixels, not farther than `reach`. */
export function nearestDot(
  dots: readonly Dot[],
  at: { x: number; y: number },
  pixels: { width: number; height: number },
  reach: number,
): Dot | undefined {
  let best: Dot | undefined;
  let least = reach * reach;
  for (const dot of dots) {
    const distance = (dot.x * pixels.width - at.x) ** 2 + ((1 - dot.y) * pixels.height - at.y) ** 2;
    if (distance <= least) {
      least = distance;
      best = dot;
    }
  }
  return best;
}
