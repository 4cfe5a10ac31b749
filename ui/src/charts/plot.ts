/**
 * One canvas of a metric chart: uPlot for axes, crosshair and selection, the curve layer for
 * curves. No React, no fetching: the component beside it hands in data and is told of zooms.
 */

import uPlot from "uplot";
import {
  clippedRange,
  fullRange,
  isDivisible,
  panned as moved,
  type Range,
  zoomed as stretched,
  wholeRange,
} from "~/model/drawing";
import type { Curve, XAxis } from "~/model/series";
import { CurveLayer } from "./curveLayer";
import { dropFrame, inFrame } from "./frames";
import { gestures } from "./gestures";
import { axes, clockScale } from "./plotAxes";
import { css } from "./plotColor";
import { PlotTip } from "./plotTip";

/** What one curve is of, in the order of the curves. */
export interface PlotLine {
  /** A run's id or a group's key. */
  key: string;
  label: string;
  /** A CSS custom property such as `--series-3`. */
  color: string;
  /** On and off in pixels; absent or empty for a whole line. */
  dash?: readonly number[];
  /** Drawn behind the others, as something that is not in force. */
  faint?: boolean;
}

/** A change of any of these needs a new canvas. */
export interface PlotShape {
  axis: XAxis;
  logX: boolean;
  logY: boolean;
  /** Charts of one key move their crosshairs together. */
  syncKey: string;
}

export interface PlotData {
  curves: readonly Curve[];
  lines: readonly PlotLine[];
}

/** What is shown of the data. */
export interface PlotView {
  /** The x range zoomed into; undefined: all. */
  range: Range | undefined;
  /** The y range set by hand. */
  yRange: Range | undefined;
  /** Whether the y axis leaves outliers out. */
  clip: boolean;
}

export interface PlotEvents {
  onZoom: (range: [number, number] | undefined) => void;
  /** The key of the curve nearest to the pointer; undefined when none is near. */
  onHover: (key: string | undefined) => void;
}

/** Least pixels of a drag that count as zooming. */
const ZOOM_PIXELS_MIN = 6;
/** How long a hand must rest before what it chose is drawn and fetched in full. */
const REST_MS = 160;
/** How long the pointer must rest near a curve before other charts and the page highlight it too. */
const HOVER_MS = 100;

export class MetricPlot {
  private readonly plot: uPlot;
  private readonly layer: CurveLayer;
  private readonly tip: PlotTip;
  private readonly shape: PlotShape;
  private readonly events: PlotEvents;
  private readonly stopGestures: () => void;
  private data: PlotData;
  private view: PlotView;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private hover: ReturnType<typeof setTimeout> | undefined;
  /** While a button holds the view, a hand that stands still has not let go. */
  private held = false;

  constructor(
    host: HTMLElement,
    shape: PlotShape,
    start: { data: PlotData; view: PlotView; width: number; height: number },
    events: PlotEvents,
  ) {
    this.shape = shape;
    this.events = events;
    this.data = start.data;
    this.view = start.view;
    this.layer = new CurveLayer({ x: shape.logX, y: shape.logY });
    this.layer.setCurves(this.drawn());
    this.tip = new PlotTip(shape.axis);
    const x = this.xRange();
    this.plot = new uPlot(this.options(start.width, start.height), [[...x], [null, null]], host);
    this.stopGestures = gestures(host, this.plot.over, {
      pan: (share) => this.move((range) => moved(range, -share, shape.logX)),
      zoom: (factor, about) => this.move((range) => stretched(range, factor, about, shape.logX)),
      hold: (held) => this.hold(held),
      reset: () => this.reset(),
    });
    this.rescale(x);
  }

  destroy(): void {
    clearTimeout(this.rest);
    clearTimeout(this.hover);
    dropFrame(this);
    dropFrame(this.tip);
    this.stopGestures();
    this.plot.destroy();
  }

  /** Other data, another view, or both. While a hand moves the view, it keeps it. */
  show(data: PlotData, view: PlotView): void {
    if (data !== this.data) {
      this.data = data;
      this.layer.setCurves(this.drawn());
    }
    this.view = view;
    if (!this.layer.moving) this.rescale(this.xRange());
  }

  setSize(width: number, height: number): void {
    this.plot.setSize({ width, height });
  }

  /** Draws one curve over the others, which fade; undefined: none. */
  highlight(key: string | undefined): void {
    if (this.layer.highlighted === key) return;
    this.layer.highlighted = key;
    inFrame(this, () => this.plot.redraw(false, false));
  }

  /** The canvas with everything on it, and the ranges it shows. */
  snapshot(): { canvas: HTMLCanvasElement; x: Range; y: Range } {
    const { x, y } = this.plot.scales;
    return {
      canvas: this.plot.ctx.canvas,
      x: [x?.min ?? 0, x?.max ?? 1],
      y: [y?.min ?? 0, y?.max ?? 1],
    };
  }

  private drawn() {
    // Two hundred lines share a few colours, and each is asked of the style of the page.
    const colors = new Map<string, string>();
    const colorOf = (name: string) => {
      const known = colors.get(name) ?? css(name);
      colors.set(name, known);
      return known;
    };
    return this.data.curves.map((curve, i) => {
      const line = this.data.lines[i];
      return {
        curve,
        key: line?.key ?? "",
        color: colorOf(line?.color ?? "--muted"),
        dash: line?.dash ?? [],
        faint: line?.faint ?? false,
      };
    });
  }

  private xRange(): Range {
    return this.view.range ?? wholeRange(this.data.curves, this.shape.logX);
  }

  private yRange(x: Range): Range {
    const { yRange, clip } = this.view;
    if (yRange && isDivisible(yRange) && (!this.shape.logY || yRange[0] > 0)) return yRange;
    return (clip ? clippedRange : fullRange)(this.data.curves, x, this.shape.logY);
  }

  private rescale(x: Range): void {
    const y = this.yRange(x);
    this.plot.batch(() => {
      this.plot.setScale("x", { min: x[0], max: x[1] });
      this.plot.setScale("y", { min: y[0], max: y[1] });
      // The scales may be the same and the curves others.
      this.plot.redraw(false, false);
    });
  }

  private hold(held: boolean): void {
    this.held = held;
    if (!held && this.layer.moving) this.settle();
  }

  /** Moves the view with the hand; what it came to is told when it rests. */
  private move(change: (range: Range) => Range): void {
    const { x } = this.snapshot();
    const next = change(x);
    if (!isDivisible(next) || !Number.isFinite(next[0]) || !Number.isFinite(next[1])) return;
    this.layer.moving = true;
    this.tip.hide();
    this.plot.setScale("x", { min: next[0], max: next[1] });
    clearTimeout(this.rest);
    if (!this.held) this.rest = setTimeout(() => this.settle(), REST_MS);
  }

  private settle(): void {
    const { x } = this.snapshot();
    this.layer.moving = false;
    this.rescale(x);
    this.events.onZoom([x[0], x[1]]);
  }

  private reset(): void {
    clearTimeout(this.rest);
    this.layer.moving = false;
    this.view = { ...this.view, range: undefined };
    this.rescale(this.xRange());
    this.events.onZoom(undefined);
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < ZOOM_PIXELS_MIN) return;
    const range: [number, number] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    if (isDivisible(range)) this.events.onZoom(range);
  }

  /** The tip and the nearest curve, once a frame. */
  private point(plot: uPlot): void {
    const { left, top, event } = plot.cursor;
    // Crosshairs of other charts move along; only the one under the pointer speaks.
    if (!event || left === undefined || left < 0 || top === undefined || this.layer.moving) {
      this.tip.hide();
      dropFrame(this.tip);
      return;
    }
    inFrame(this.tip, () => {
      const nearest = this.tip.show(plot, this.data, { left, top }, this.shape);
      this.highlight(nearest);
      clearTimeout(this.hover);
      this.hover = setTimeout(() => this.events.onHover(nearest), HOVER_MS);
    });
  }

  private options(width: number, height: number): uPlot.Options {
    const { axis, logX, logY, syncKey } = this.shape;
    return {
      width,
      height,
      ...clockScale(axis),
      legend: { show: false },
      padding: [10, 10, 0, 0],
      cursor: {
        sync: {
          key: syncKey,
          scales: ["x", null],
          // Crosshairs move together; zooming is each chart's own.
          filters: { pub: isMove, sub: isMove },
        },
        drag: { x: true, y: false, setScale: false },
        bind: { mousedown: (_, __, handler) => (event) => (event.shiftKey ? null : handler(event)) },
        points: { show: false },
        y: false,
      },
      scales: {
        x: { time: axis === "wall" && !logX, distr: logX ? 3 : 1, range: (_, from, to) => [from, to] },
        y: { distr: logY ? 3 : 1, range: (_, from, to) => [from ?? 0.1, to ?? 1] },
      },
      axes: axes(axis, { x: logX, y: logY }),
      series: [{}, { show: true, points: { show: false } }],
      hooks: {
        draw: [(plot) => this.layer.draw(plot)],
        setCursor: [(plot) => this.point(plot)],
        setSelect: [(plot) => this.select(plot)],
        ready: [(plot) => this.tip.mount(plot.over)],
      },
    };
  }
}

function isMove(event: string): boolean {
  return event === "mousemove" || event === "mouseleave";
}
