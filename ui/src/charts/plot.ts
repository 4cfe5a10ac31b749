/** Builds uPlot options from what a metric chart shows. No React, no fetching. */

import type uPlot from "uplot";
import { formatDuration, formatNumber } from "~/model/format";
import type { Aligned, XAxis } from "~/model/series";
import { extent } from "~/model/statistics";

export interface PlotLine {
  label: string;
  /** A CSS custom property such as `--series-3`. */
  color: string;
  faint: boolean;
}

export interface PlotSpec {
  lines: readonly PlotLine[];
  axis: XAxis;
  logY: boolean;
  /** Charts of one key move their cursors together. */
  syncKey: string;
  onZoom: (range: [number, number] | undefined) => void;
}

/** Least pixels of a drag that count as zooming. */
const ZOOM_PIXELS_MIN = 6;
const TIP_LINES_MAX = 14;
const TIP_WIDTH = 200;

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function xText(axis: XAxis, value: number): string {
  return axis === "time" ? formatDuration(value * 1000) : `step ${formatNumber(value)}`;
}

function yRange(logY: boolean): uPlot.Scale.Range {
  return (plot, low, high) => {
    const found = extent(
      plot.data.slice(1).flatMap((column, i) => (plot.series[i + 1]?.show ? [...column] : [])),
    );
    const [from, to] = found ?? [low ?? 0, high ?? 1];
    if (logY) return from > 0 ? [from / 1.25, to * 1.25] : [0.1, 1];
    if (from === to) return from === 0 ? [-1, 1] : [from - Math.abs(from) * 0.1, to + Math.abs(to) * 0.1];
    const pad = (to - from) * 0.08;
    return [from - pad, to + pad];
  };
}

/** A line of the tip, built from nodes: names of runs are text, never markup. */
function tipLine(label: string, color: string, value: string): HTMLElement {
  const line = document.createElement("div");
  line.className = "line";
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = color;
  const name = document.createElement("span");
  name.className = "truncate";
  name.textContent = label;
  const number = document.createElement("b");
  number.textContent = value;
  line.append(swatch, name, number);
  return line;
}

/** The value nearest to the cursor, since series need not have a point at every x. */
function nearestValue(column: ArrayLike<number | null | undefined>, at: number): number | null | undefined {
  const REACH = 200;
  for (let d = 0; d <= REACH; d += 1) {
    if (column[at - d] !== undefined) return column[at - d];
    if (column[at + d] !== undefined) return column[at + d];
  }
  return undefined;
}

function tipPlugin(spec: PlotSpec): uPlot.Plugin {
  const tip = document.createElement("div");
  tip.className = "plot-tip";
  return {
    hooks: {
      init: (plot) => plot.over.append(tip),
      setCursor: (plot) => {
        const { idx, left } = plot.cursor;
        tip.classList.toggle("shown", idx !== null && idx !== undefined && (left ?? -1) >= 0);
        if (idx === null || idx === undefined || left === undefined || left < 0) return;
        const head = document.createElement("div");
        head.className = "muted";
        head.textContent = xText(spec.axis, plot.data[0]?.[idx] ?? 0);
        const lines = spec.lines
          .map((line, i) => ({ line, value: nearestValue(plot.data[i + 1] ?? [], idx) }))
          .filter(({ line, value }) => !line.faint && value !== undefined)
          .slice(0, TIP_LINES_MAX)
          .map(({ line, value }) =>
            tipLine(line.label, css(line.color), value === null ? "not finite" : formatNumber(value)),
          );
        tip.replaceChildren(head, ...lines);
        const toTheRight = left + TIP_WIDTH + 16 < plot.over.clientWidth;
        tip.style.left = toTheRight ? `${left + 14}px` : "";
        tip.style.right = toTheRight ? "" : `${plot.over.clientWidth - left + 14}px`;
      },
    },
  };
}

/** Marks at the bottom edge where a value was NaN or infinite. */
function nonFinitePlugin(read: () => Aligned["nonFinite"], spec: PlotSpec): uPlot.Plugin {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx } = plot;
        const size = 5 * devicePixelRatio;
        const bottom = plot.bbox.top + plot.bbox.height;
        ctx.save();
        for (const mark of read()) {
          const x = plot.valToPos(mark.x, "x", true);
          if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
          ctx.fillStyle = css(spec.lines[mark.series]?.color ?? "--bad");
          ctx.beginPath();
          ctx.moveTo(x, bottom - size * 1.7);
          ctx.lineTo(x - size, bottom);
          ctx.lineTo(x + size, bottom);
          ctx.fill();
        }
        ctx.restore();
      },
    },
  };
}

function axes(spec: PlotSpec): uPlot.Axis[] {
  const shared = {
    stroke: css("--muted"),
    font: `11px ${css("--font")}`,
    ticks: { show: false },
    grid: { stroke: css("--line"), width: 1 },
  };
  const xLabel = (value: number) =>
    spec.axis === "time"
      ? formatDuration(value * 1000)
      : value >= 1e5
        ? value.toExponential(0).replace("+", "")
        : String(value);
  return [
    {
      ...shared,
      size: 26,
      gap: 5,
      space: 64,
      grid: { show: false },
      values: (_, at) => at.map((v) => (spec.axis === "step" && !Number.isInteger(v) ? "" : xLabel(v))),
    },
    {
      ...shared,
      size: 50,
      gap: 5,
      space: 34,
      values: (_, at) => at.map((v) => (v === null ? "" : formatNumber(v, 3))),
    },
  ];
}

export function plotOptions(
  spec: PlotSpec,
  size: { width: number; height: number },
  nonFinite: () => Aligned["nonFinite"],
): uPlot.Options {
  return {
    ...size,
    legend: { show: false },
    padding: [10, 10, 0, 0],
    cursor: {
      sync: {
        key: spec.syncKey,
        scales: ["x", null],
        // Cursors move together; zooming is each chart's own.
        filters: { pub: isMove, sub: isMove },
      },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      y: false,
    },
    scales: {
      x: { time: false },
      y: { distr: spec.logY ? 3 : 1, range: yRange(spec.logY) },
    },
    axes: axes(spec),
    series: [
      {},
      ...spec.lines.map((line) => ({
        label: line.label,
        stroke: line.faint ? `color-mix(in srgb, ${css(line.color)} 26%, transparent)` : css(line.color),
        width: line.faint ? 1 : 1.6,
        points: { show: line.faint ? false : pointsWhenFew },
        spanGaps: false,
      })),
    ],
    hooks: {
      setSelect: [
        (plot) => {
          if (plot.select.width < ZOOM_PIXELS_MIN) return;
          const from = plot.posToVal(plot.select.left, "x");
          const to = plot.posToVal(plot.select.left + plot.select.width, "x");
          plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          spec.onZoom([from, to]);
        },
      ],
      ready: [(plot) => plot.over.addEventListener("dblclick", () => spec.onZoom(undefined))],
    },
    plugins: [tipPlugin(spec), nonFinitePlugin(nonFinite, spec)],
  };
}

function isMove(event: string): boolean {
  return event === "mousemove" || event === "mouseleave";
}

const POINTS_SHOWN_MAX = 24;

/** Dots only where a series is so short that a line alone would hide its points. */
function pointsWhenFew(plot: uPlot): boolean {
  return (plot.data[0]?.length ?? 0) <= POINTS_SHOWN_MAX;
}
