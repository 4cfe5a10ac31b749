/** Draws the lines of parallel coordinates on a canvas. No React. */

import { css } from "~/charts/plotColor";
import { PALETTE_SIZE } from "~/model/colors";
import { RAMP_LEVELS, RAMP_STOPS, rampColors, rampLevel } from "~/model/ramp";

/** Names stand over the axes, up to 150 pixels wide: half of one has room at each side. */
export const PARALLEL = { top: 14, bottom: 30, side: 76, height: 380 } as const;

/** Lines are told apart by being faint where there are many. */
const LINES_SOLID = 40;
const ALPHA_MIN = 0.12;

export interface ParallelPicture {
  /** Places (0 to 1, upwards) by axis, then by row. */
  places: readonly (readonly (number | undefined)[])[];
  ids: readonly string[];
  /** The palette's index of each row. */
  colors: readonly number[];
  /** Places on the axis of colour; undefined: the rows' own colours. */
  shades: readonly (number | undefined)[] | undefined;
  /** The rows inside of all brushes; undefined: all. */
  chosen: ReadonlySet<string> | undefined;
}

export function axisX(index: number, count: number, width: number): number {
  if (count < 2) return width / 2;
  return PARALLEL.side + (index * (width - 2 * PARALLEL.side)) / (count - 1);
}

/** Rows without a value run along a shelf under the axes. */
export function placeY(at: number | undefined, height: number): number {
  const low = height - PARALLEL.bottom;
  return at === undefined ? height - 8 : low - at * (low - PARALLEL.top);
}

export function themeRamp(): string[] {
  return rampColors(Array.from({ length: RAMP_STOPS }, (_, i) => css(`--ramp-${i}`)));
}

/** Rows by what they are drawn with, so that each colour is one path. */
function buckets(picture: ParallelPicture): Map<number, number[]> {
  const found = new Map<number, number[]>();
  picture.ids.forEach((_, row) => {
    const shade = picture.shades?.[row];
    const own = RAMP_LEVELS + ((picture.colors[row] ?? 0) % PALETTE_SIZE);
    const key = picture.shades ? (shade === undefined ? -1 : rampLevel(shade)) : own;
    const list = found.get(key);
    if (list) list.push(row);
    else found.set(key, [row]);
  });
  return found;
}

function tracePath(picture: ParallelPicture, row: number, width: number, height: number): Path2D {
  const path = new Path2D();
  const count = picture.places.length;
  picture.places.forEach((axis, i) => {
    const x = axisX(i, count, width);
    const y = placeY(axis[row], height);
    if (i === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  });
  return path;
}

function strokeRows(
  context: CanvasRenderingContext2D,
  picture: ParallelPicture,
  rows: readonly number[],
  size: { width: number; height: number },
) {
  const count = picture.places.length;
  const xs = picture.places.map((_, i) => axisX(i, count, size.width));
  for (const row of rows) {
    // A path each: stroking one path of many crossing lines takes many times as long.
    context.beginPath();
    for (let i = 0; i < count; i += 1) {
      const y = placeY(picture.places[i]?.[row], size.height);
      if (i === 0) context.moveTo(xs[i] ?? 0, y);
      else context.lineTo(xs[i] ?? 0, y);
    }
    context.stroke();
  }
}

export function drawParallel(
  context: CanvasRenderingContext2D,
  picture: ParallelPicture,
  size: { width: number; height: number },
): void {
  const { ids, chosen } = picture;
  const ramp = themeRamp();
  const faint = css("--line-strong");
  const isIn = (row: number) => !chosen || chosen.has(ids[row] ?? "");
  context.lineJoin = "bevel";
  if (chosen) {
    const out = ids.flatMap((_, row) => (isIn(row) ? [] : [row]));
    context.strokeStyle = faint;
    context.globalAlpha = 0.35;
    context.lineWidth = 1;
    strokeRows(context, picture, out, size);
  }
  const drawn = chosen ? chosen.size : ids.length;
  context.globalAlpha = Math.max(ALPHA_MIN, Math.min(0.9, Math.sqrt(LINES_SOLID / Math.max(1, drawn))));
  context.lineWidth = drawn > LINES_SOLID ? 1 : 1.7;
  for (const [key, rows] of [...buckets(picture)].sort(([a], [b]) => a - b)) {
    context.strokeStyle =
      key < 0 ? faint : key < RAMP_LEVELS ? (ramp[key] ?? faint) : css(`--series-${key - RAMP_LEVELS}`);
    strokeRows(context, picture, rows.filter(isIn), size);
  }
  context.globalAlpha = 1;
}

/** One line over all others. */
export function drawParallelRow(
  context: CanvasRenderingContext2D,
  picture: ParallelPicture,
  row: number,
  size: { width: number; height: number },
): void {
  const path = tracePath(picture, row, size.width, size.height);
  context.lineJoin = "round";
  context.strokeStyle = css("--panel");
  context.lineWidth = 6;
  context.stroke(path);
  const shade = picture.shades?.[row];
  context.strokeStyle = picture.shades
    ? shade === undefined
      ? css("--muted")
      : (themeRamp()[rampLevel(shade)] ?? css("--text"))
    : css(`--series-${(picture.colors[row] ?? 0) % PALETTE_SIZE}`);
  context.lineWidth = 3;
  context.stroke(path);
}

/** The row whose line is nearest to a point, not farther than `reach` pixels. */
export function nearestRow(
  picture: ParallelPicture,
  at: { x: number; y: number },
  size: { width: number; height: number },
  reach: number,
): number | undefined {
  const count = picture.places.length;
  if (count < 2) return undefined;
  const step = (size.width - 2 * PARALLEL.side) / (count - 1);
  const left = Math.min(count - 2, Math.max(0, Math.floor((at.x - PARALLEL.side) / step)));
  const share = Math.min(1, Math.max(0, (at.x - axisX(left, count, size.width)) / step));
  let best: number | undefined;
  let least = reach;
  for (let row = 0; row < picture.ids.length; row += 1) {
    if (picture.chosen && !picture.chosen.has(picture.ids[row] ?? "")) continue;
    const from = placeY(picture.places[left]?.[row], size.height);
    const to = placeY(picture.places[left + 1]?.[row], size.height);
    const distance = Math.abs(from + (to - from) * share - at.y);
    if (distance < least) {
      least = distance;
      best = row;
    }
  }
  return best;
}
