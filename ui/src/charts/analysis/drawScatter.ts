/** Draws a scatter on a canvas: grid, line, front, dots. No React. */

import { css } from "~/charts/plotColor";
import { PALETTE_SIZE } from "~/model/colors";
import { rampLevel } from "~/model/ramp";
import type { Dot, ScatterModel } from "~/model/scatter";
import { themeRamp } from "./drawParallel";
import type { Size } from "./useCanvas";

export const SCATTER = { left: 64, right: 18, top: 14, bottom: 48, height: 400 } as const;

const RADIUS = 5;
const RADIUS_MIN = 3;
const RADIUS_MAX = 13;
/** More dots than this are drawn smaller. */
const DOTS_LARGE = 600;

export interface Area {
  width: number;
  height: number;
}

export function areaOf(size: Size): Area {
  return {
    width: size.width - SCATTER.left - SCATTER.right,
    height: size.height - SCATTER.top - SCATTER.bottom,
  };
}

export function dotPixel(dot: { x: number; y: number }, size: Size): { x: number; y: number } {
  const area = areaOf(size);
  return { x: SCATTER.left + dot.x * area.width, y: SCATTER.top + (1 - dot.y) * area.height };
}

function radiusOf(dot: Dot, model: ScatterModel): number {
  // The area stands for the value, and a dot without one is the smallest.
  if (model.size) {
    return Math.sqrt(RADIUS_MIN ** 2 + (dot.size ?? 0) * (RADIUS_MAX ** 2 - RADIUS_MIN ** 2));
  }
  return model.dots.length > DOTS_LARGE ? RADIUS_MIN : RADIUS;
}

function colorOf(dot: Dot, model: ScatterModel, ramp: readonly string[]): string {
  if (!model.color) return css(`--series-${dot.row.color % PALETTE_SIZE}`);
  return dot.shade === undefined ? css("--faint") : (ramp[rampLevel(dot.shade)] ?? css("--faint"));
}

function drawGrid(context: CanvasRenderingContext2D, model: ScatterModel, size: Size) {
  context.lineWidth = 1;
  context.strokeStyle = css("--line");
  context.fillStyle = css("--muted");
  context.font = `11px ${css("--font")}`;
  const foot = size.height - SCATTER.bottom;
  const area = areaOf(size);
  const across = Math.max(1, Math.floor(area.width / 70));
  const every = Math.ceil(model.x.ticks.length / across);
  context.textAlign = "center";
  model.x.ticks.forEach((tick, i) => {
    if (i % every !== 0) return;
    const { x } = dotPixel({ x: tick.at, y: 0 }, size);
    context.beginPath();
    context.moveTo(x, SCATTER.top);
    context.lineTo(x, foot);
    context.stroke();
    context.fillText(
      clipped(context, tick.label, area.width / Math.min(across, model.x.ticks.length)),
      x,
      foot + 17,
    );
  });
  context.textAlign = "right";
  for (const tick of model.y.ticks) {
    const { y } = dotPixel({ x: 0, y: tick.at }, size);
    context.beginPath();
    context.moveTo(SCATTER.left, y);
    context.lineTo(size.width - SCATTER.right, y);
    context.stroke();
    context.fillText(clipped(context, tick.label, SCATTER.left - 26), SCATTER.left - 8, y + 4);
  }
  drawTitles(context, model, size);
}

function drawTitles(context: CanvasRenderingContext2D, model: ScatterModel, size: Size) {
  const area = areaOf(size);
  const title = (axis: ScatterModel["x"]) => `${axis.column.label}${axis.scale === "log" ? " (log)" : ""}`;
  context.textAlign = "center";
  context.font = `550 11px ${css("--font")}`;
  context.fillText(
    clipped(context, title(model.x), area.width),
    SCATTER.left + area.width / 2,
    size.height - 10,
  );
  context.save();
  context.translate(13, SCATTER.top + area.height / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(clipped(context, title(model.y), area.height), 0, 0);
  context.restore();
}

/** The text, cut with an ellipsis where it has no room. */
function clipped(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
  return `${text.slice(0, length)}…`;
}

/** A staircase: between two points of the front nothing better than their worse values is known. */
function drawFront(context: CanvasRenderingContext2D, model: ScatterModel, size: Size) {
  const points = model.front.map((dot) => dotPixel(dot, size));
  context.strokeStyle = css("--text");
  context.lineWidth = 1.5;
  context.setLineDash([]);
  context.beginPath();
  points.forEach((point, i) => {
    const before = points[i - 1];
    if (!before) context.moveTo(point.x, point.y);
    else {
      context.lineTo(point.x, before.y);
      context.lineTo(point.x, point.y);
    }
  });
  context.stroke();
  for (const [i, dot] of model.front.entries()) {
    const point = points[i];
    if (!point) continue;
    context.beginPath();
    context.arc(point.x, point.y, radiusOf(dot, model) + 3.5, 0, 2 * Math.PI);
    context.stroke();
  }
}

function drawLine(context: CanvasRenderingContext2D, model: ScatterModel, size: Size) {
  if (!model.line) return;
  const { slope, intercept } = model.line;
  context.save();
  const from = dotPixel({ x: 0, y: 1 }, size);
  const area = areaOf(size);
  context.beginPath();
  context.rect(from.x, from.y, area.width, area.height);
  context.clip();
  context.strokeStyle = css("--muted");
  context.lineWidth = 1.5;
  context.setLineDash([6, 4]);
  context.beginPath();
  const start = dotPixel({ x: 0, y: intercept }, size);
  const end = dotPixel({ x: 1, y: intercept + slope }, size);
  context.moveTo(start.x, start.y);
  context.lineTo(end.x, end.y);
  context.stroke();
  context.restore();
}

export function drawScatter(context: CanvasRenderingContext2D, model: ScatterModel, size: Size): void {
  drawGrid(context, model, size);
  drawLine(context, model, size);
  const ramp = themeRamp();
  const edge = css("--panel");
  context.lineWidth = 1;
  // The large ones first, so that they do not hide the small.
  const dots = model.size ? [...model.dots].sort((a, b) => (b.size ?? 0) - (a.size ?? 0)) : model.dots;
  for (const dot of dots) {
    const { x, y } = dotPixel(dot, size);
    context.globalAlpha = model.dots.length > DOTS_LARGE ? 0.6 : 0.85;
    context.beginPath();
    context.arc(x, y, radiusOf(dot, model), 0, 2 * Math.PI);
    context.fillStyle = colorOf(dot, model, ramp);
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = edge;
    if (model.dots.length <= DOTS_LARGE) context.stroke();
  }
  if (model.front.length > 0) drawFront(context, model, size);
}

/** The dot the reader points at, over all others. */
export function drawPointed(
  context: CanvasRenderingContext2D,
  model: ScatterModel,
  dot: Dot,
  size: Size,
): void {
  const { x, y } = dotPixel(dot, size);
  context.beginPath();
  context.arc(x, y, radiusOf(dot, model) + 2, 0, 2 * Math.PI);
  context.fillStyle = colorOf(dot, model, themeRamp());
  context.fill();
  context.lineWidth = 2.5;
  context.strokeStyle = css("--text");
  context.stroke();
}
