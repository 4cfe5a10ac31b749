/** Strokes curves on a canvas: lines, bands, dots and marks of values that are not finite. */

import { type Range, seen, traceLine } from "~/model/drawing";
import type { Curve } from "~/model/series";

/** From values to pixels, and how large the area is. */
export interface Transform {
  x: (value: number) => number;
  y: (value: number) => number;
  width: number;
  height: number;
  range: Range;
}

/** Points are dots where a curve shows so few that its line would hide them. */
const DOTS_MAX = 24;
/** Points per pixel from which on the extremes of each pixel are drawn. */
const THIN_FROM = 4;
const BAND_ALPHA = 0.16;
/** A spread has no edges that show it, so its area must. */
const SPREAD_ALPHA = 0.26;
const EDGE_ALPHA = 0.55;
const RAW_ALPHA = 0.28;
const FAINT_ALPHA = 0.55;
const MARK_SIZE = 5;
/** Far outside of the canvas; larger numbers slow its clipping down. */
const FAR = 20_000;

function clamp(value: number): number {
  return value < -FAR ? -FAR : value > FAR ? FAR : value;
}

type Context = CanvasRenderingContext2D;
type Span = readonly [number, number];

/** A line through finite values; a gap where one is not. */
function plain(ctx: Context, x: Float64Array, y: Float64Array, span: Span, to: Transform): void {
  traceLine(x, y, span, to, {
    move: (px, py) => ctx.moveTo(clamp(px), clamp(py)),
    line: (px, py) => ctx.lineTo(clamp(px), clamp(py)),
  });
}

/** Of the points that share a pixel the first, the extremes and the last: no spike is lost. */
function thinned(ctx: Context, x: Float64Array, y: Float64Array, [from, end]: Span, to: Transform): void {
  let pen = false;
  let i = from;
  while (i <= end) {
    const pixel = Math.floor(to.x(x[i] as number));
    let first = Number.NaN;
    let last = Number.NaN;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (; i <= end && Math.floor(to.x(x[i] as number)) === pixel; i += 1) {
      const py = to.y(y[i] as number);
      if (!Number.isFinite(py)) continue;
      if (Number.isNaN(first)) first = py;
      last = py;
      if (py < low) low = py;
      if (py > high) high = py;
    }
    // A coordinate that is no number (below a logarithmic axis) belongs to no pixel.
    if (Number.isNaN(pixel)) i += 1;
    if (Number.isNaN(first)) {
      pen = false;
      continue;
    }
    const px = clamp(pixel + 0.5);
    if (pen) ctx.lineTo(px, clamp(first));
    else ctx.moveTo(px, clamp(first));
    pen = true;
    ctx.lineTo(px, clamp(low));
    ctx.lineTo(px, clamp(high));
    ctx.lineTo(px, clamp(last));
  }
}

function line(ctx: Context, x: Float64Array, y: Float64Array, span: Span, to: Transform): void {
  ctx.beginPath();
  if (span[1] - span[0] > to.width * THIN_FROM) thinned(ctx, x, y, span, to);
  else plain(ctx, x, y, span, to);
  ctx.stroke();
}

/** Between two edges, once there and once back for every stretch that has both. */
function band(
  ctx: Context,
  x: Float64Array,
  low: Float64Array,
  high: Float64Array,
  span: Span,
  to: Transform,
) {
  ctx.beginPath();
  let start = -1;
  const close = (until: number) => {
    if (start < 0) return;
    for (let i = start; i < until; i += 1) {
      const px = clamp(to.x(x[i] as number));
      const py = clamp(to.y(high[i] as number));
      if (i === start) ctx.moveTo(px, py);
      else ctx.lineTo(px, py);
    }
    for (let i = until - 1; i >= start; i -= 1) {
      ctx.lineTo(clamp(to.x(x[i] as number)), clamp(to.y(low[i] as number)));
    }
    ctx.closePath();
    start = -1;
  };
  for (let i = span[0]; i <= span[1]; i += 1) {
    const drawable =
      Number.isFinite(to.x(x[i] as number)) &&
      Number.isFinite(to.y(low[i] as number)) &&
      Number.isFinite(to.y(high[i] as number));
    if (!drawable) close(i);
    else if (start < 0) start = i;
  }
  close(span[1] + 1);
  ctx.fill();
}

function dot(ctx: Context, px: number, py: number, radius: number): void {
  if (!Number.isFinite(px) || !Number.isFinite(py)) return;
  ctx.moveTo(px + radius, py);
  ctx.arc(px, py, radius, 0, Math.PI * 2);
}

/** Every point as a dot where there are few; else only points without neighbours, which no line shows. */
function dots(ctx: Context, curve: Curve, span: Span, to: Transform, pen: Pen): void {
  const { x, y } = curve;
  const radius = (pen.width + 0.9) * devicePixelRatio;
  // Dots would hide the pattern by which a faint line is known.
  const few = !pen.faint && span[1] - span[0] < DOTS_MAX;
  ctx.beginPath();
  for (let i = span[0]; i <= span[1]; i += 1) {
    const alone = Number.isNaN(y[i - 1] ?? Number.NaN) && Number.isNaN(y[i + 1] ?? Number.NaN);
    if (few || alone) dot(ctx, to.x(x[i] as number), to.y(y[i] as number), radius);
  }
  ctx.fill();
}

/** A triangle with its base on an edge, or, for infinities, its tip. */
function triangle(ctx: Context, x: number, base: number, tip: number, size: number): void {
  ctx.beginPath();
  ctx.moveTo(x, tip);
  ctx.lineTo(x - size, base);
  ctx.lineTo(x + size, base);
  ctx.fill();
}

/** NaN stands at the bottom edge, infinities at the edge they go past. */
function marks(ctx: Context, curve: Curve, to: Transform): void {
  const size = MARK_SIZE * devicePixelRatio;
  const bottom = to.height;
  for (const mark of curve.marks) {
    const x = to.x(mark.x);
    if (!(x >= 0 && x <= to.width)) continue;
    if (mark.what === "nan") triangle(ctx, x, bottom, bottom - size * 1.7, size);
    else if (mark.what === "inf") triangle(ctx, x, size * 1.7, 0, size);
    else triangle(ctx, x, bottom - size * 1.7, bottom, size);
  }
}

/** One curve with all that belongs to it. */
export interface Pen {
  color: string;
  /** In CSS pixels, as are the parts of the pattern. */
  width: number;
  dash: readonly number[];
  faint?: boolean;
}

export function strokeCurve(ctx: Context, curve: Curve, to: Transform, pen: Pen): void {
  const { color, width } = pen;
  const span = seen(curve.x, to.range);
  const dpr = devicePixelRatio;
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.lineJoin = "round";
  if (curve.low && curve.high) {
    ctx.globalAlpha = curve.counts ? SPREAD_ALPHA : BAND_ALPHA;
    band(ctx, curve.x, curve.low, curve.high, span, to);
    // Edges of a spread need none; those of a reduced series show its spikes.
    if (!curve.counts) {
      ctx.globalAlpha = EDGE_ALPHA;
      ctx.lineWidth = dpr;
      line(ctx, curve.x, curve.low, span, to);
      line(ctx, curve.x, curve.high, span, to);
    }
  }
  if (curve.raw) {
    ctx.globalAlpha = RAW_ALPHA;
    ctx.lineWidth = dpr;
    line(ctx, curve.x, curve.raw, span, to);
  }
  ctx.globalAlpha = pen.faint ? FAINT_ALPHA : 1;
  ctx.lineWidth = width * dpr;
  ctx.setLineDash(pen.dash.map((part) => part * dpr));
  line(ctx, curve.x, curve.y, span, to);
  ctx.setLineDash([]);
  dots(ctx, curve, span, to, pen);
  marks(ctx, curve, to);
  ctx.globalAlpha = 1;
}
