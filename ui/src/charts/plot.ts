/** Builds uPlot options from what a metric chart shows. No React, no fetching. */

import type uPlot from "uplot";
import type { Column, Mark, XAxis } from "~/model/series";
import { extent } from "~/model/statistics";
import { axes, clockScale } from "./plotAxes";
import { css } from "./plotColor";
import { marksPlugin } from "./plotMarks";
import { tipPlugin } from "./plotTip";

export interface PlotLine {
  label: string;
  /** A CSS custom property such as `--series-3`. */
  color: string;
  role: Column["role"];
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
const POINTS_SHOWN_MAX = 24;
/** Opacity of what lies between the extremes, and of its edges. */
const BAND_PERCENT = 16;
const EDGE_PERCENT = 55;
const FAINT_PERCENT = 26;

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

function seriesOf(line: PlotLine): uPlot.Series {
  const mix = (percent: number) => `color-mix(in srgb, ${css(line.color)} ${percent}%, transparent)`;
  const shared = { label: line.label, spanGaps: false };
  switch (line.role) {
    case "line":
      return { ...shared, stroke: css(line.color), width: 1.6, points: { show: pointsWhenFew } };
    case "faint":
      return { ...shared, stroke: mix(FAINT_PERCENT), width: 1, points: { show: false } };
    default:
      return { ...shared, stroke: mix(EDGE_PERCENT), width: 1, points: { show: false } };
  }
}

/** Between the upper edge of a reduced series and its lower one, which follows it. */
function bandsOf(lines: readonly PlotLine[]): uPlot.Band[] {
  return lines.flatMap((line, i): uPlot.Band[] => {
    if (line.role !== "high") return [];
    const fill = `color-mix(in srgb, ${css(line.color)} ${BAND_PERCENT}%, transparent)`;
    return [{ series: [i + 1, i + 2], fill }];
  });
}

export function plotOptions(
  spec: PlotSpec,
  size: { width: number; height: number },
  marks: () => readonly Mark[],
): uPlot.Options {
  return {
    ...size,
    ...clockScale(spec.axis),
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
      points: { size: (_, at) => (spec.lines[at - 1]?.role === "line" ? 6 : 0) },
      y: false,
    },
    scales: {
      x: { time: spec.axis === "wall" },
      y: { distr: spec.logY ? 3 : 1, range: yRange(spec.logY) },
    },
    axes: axes(spec.axis),
    series: [{}, ...spec.lines.map(seriesOf)],
    bands: bandsOf(spec.lines),
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
    plugins: [tipPlugin(spec), marksPlugin(marks, spec)],
  };
}

function isMove(event: string): boolean {
  return event === "mousemove" || event === "mouseleave";
}

/** Dots only where a series is so short that a line alone would hide its points. */
function pointsWhenFew(plot: uPlot): boolean {
  return (plot.data[0]?.length ?? 0) <= POINTS_SHOWN_MAX;
}
