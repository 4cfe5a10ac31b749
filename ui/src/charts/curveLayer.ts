/**
 * Draws curves into uPlot's canvas. uPlot has one array of x for all series; curves of many
 * runs have each their own, and two hundred of them cannot be stroked anew in every frame. So
 * they are drawn once into a picture. While a hand pans or zooms, the picture is moved and
 * stretched; when the hand rests, it is drawn anew. A highlighted curve is drawn over it.
 */

import type uPlot from "uplot";
import { type Range, toPixels } from "~/model/drawing";
import type { Curve } from "~/model/series";
import { strokeCurve, type Transform } from "./strokes";

export interface DrawnCurve {
  curve: Curve;
  /** What it is of: a run or a group. */
  key: string;
  /** A colour as the canvas takes it. */
  color: string;
  /** On and off in pixels; empty for a whole line. */
  dash: readonly number[];
  faint?: boolean;
}

/** Drawing this fast needs no picture: every frame is drawn anew. */
const QUICK_MS = 6;
/** From so many curves on lines are thinner and whole: patterns are not told apart, and cost much. */
const MANY_CURVES = 40;
const LINE_WIDTH = 1.6;
const HIGHLIGHT_WIDTH = 2.4;
const DIMMED_ALPHA = 0.28;

interface View {
  x: Range;
  y: Range;
  width: number;
  height: number;
}

function viewOf(plot: uPlot): View | undefined {
  const { x, y } = plot.scales;
  const { width, height } = plot.bbox;
  if (x?.min == null || x.max == null || y?.min == null || y.max == null) return undefined;
  return { x: [x.min, x.max], y: [y.min, y.max], width: Math.round(width), height: Math.round(height) };
}

function isSame(a: View, b: View): boolean {
  return (
    a.width === b.width &&
    a.height === b.height &&
    a.x[0] === b.x[0] &&
    a.x[1] === b.x[1] &&
    a.y[0] === b.y[0] &&
    a.y[1] === b.y[1]
  );
}

export class CurveLayer {
  private readonly picture = document.createElement("canvas");
  private readonly log: { x: boolean; y: boolean };
  private curves: readonly DrawnCurve[] = [];
  private drawn: View | undefined;
  private cost = 0;
  highlighted: string | undefined;
  /** While a hand moves the view. */
  moving = false;

  constructor(log: { x: boolean; y: boolean }) {
    this.log = log;
  }

  setCurves(curves: readonly DrawnCurve[]): void {
    this.curves = curves;
    this.drawn = undefined;
  }

  /** Draws into the plotting area of uPlot's canvas; called in its draw hook. */
  draw(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const view = viewOf(plot);
    if (!view || view.width <= 0 || view.height <= 0) return;
    const reused = this.moving && this.cost > QUICK_MS && this.drawn?.width === view.width;
    if (!reused && !(this.drawn && isSame(this.drawn, view))) this.redraw(view);
    const found = this.curves.filter((one) => one.key === this.highlighted);
    const dimmed = found.length > 0 && this.curves.length > found.length;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.globalAlpha = dimmed ? DIMMED_ALPHA : 1;
    this.blit(ctx, view, bbox);
    ctx.translate(bbox.left, bbox.top);
    if (dimmed) {
      const to = this.transform(view);
      for (const one of found) strokeCurve(ctx, one.curve, to, { ...one, width: HIGHLIGHT_WIDTH });
    }
    ctx.restore();
  }

  private transform(view: View): Transform {
    return {
      x: toPixels(view.x, this.log.x, 0, view.width),
      y: toPixels(view.y, this.log.y, view.height, 0),
      width: view.width,
      height: view.height,
      range: view.x,
    };
  }

  private redraw(view: View): void {
    const start = performance.now();
    this.picture.width = view.width;
    this.picture.height = view.height;
    const ctx = this.picture.getContext("2d");
    if (!ctx) return;
    const to = this.transform(view);
    const many = this.curves.length > MANY_CURVES;
    for (const one of this.curves) {
      const width = many ? 1 : LINE_WIDTH;
      const pen = { color: one.color, width, dash: many ? [] : one.dash, faint: one.faint ?? false };
      strokeCurve(ctx, one.curve, to, pen);
    }
    this.drawn = view;
    this.cost = performance.now() - start;
  }

  /** The picture where it belongs in a view that may have moved since it was drawn. */
  private blit(ctx: CanvasRenderingContext2D, view: View, bbox: uPlot.BBox): void {
    const { drawn } = this;
    if (!drawn) return;
    const x = toPixels(view.x, this.log.x, bbox.left, bbox.left + view.width);
    const y = toPixels(view.y, this.log.y, bbox.top + view.height, bbox.top);
    const left = x(drawn.x[0]);
    const top = y(drawn.y[1]);
    ctx.drawImage(this.picture, left, top, x(drawn.x[1]) - left, y(drawn.y[0]) - top);
  }
}
