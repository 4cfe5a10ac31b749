/** What stands beside the cursor: where it is, and the value of every run there. */

import type uPlot from "uplot";
import { formatNumber } from "~/model/format";
import type { PlotSpec } from "./plot";
import { xText } from "./plotAxes";
import { css } from "./plotColor";

const TIP_LINES_MAX = 14;
/** Between the cursor and the tip. */
const TIP_GAP = 14;
/** Places looked at on both sides of the cursor for a value. */
const REACH = 200;

function tipValue(value: number | null): string {
  return value === null ? "not finite" : formatNumber(value);
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
function nearest(
  column: ArrayLike<number | null | undefined> | undefined,
  at: number,
): number | null | undefined {
  if (!column) return undefined;
  for (let d = 0; d <= REACH; d += 1) {
    if (column[at - d] !== undefined) return column[at - d];
    if (column[at + d] !== undefined) return column[at + d];
  }
  return undefined;
}

/** Of a reduced series also the extremes, whose columns stand before its line. */
function text(plot: uPlot, spec: PlotSpec, i: number, at: number): string | undefined {
  const value = nearest(plot.data[i + 1], at);
  if (value === undefined) return undefined;
  if (spec.lines[i - 1]?.role !== "low") return tipValue(value);
  const low = nearest(plot.data[i], at);
  const high = nearest(plot.data[i - 1], at);
  if (typeof low !== "number" || typeof high !== "number" || low === high) return tipValue(value);
  return `${tipValue(value)}  (${formatNumber(low)} – ${formatNumber(high)})`;
}

/** Right of the cursor, else left of it, and never outside of the chart. */
function tipLeft(cursor: number, width: number, plot: uPlot): number {
  const right = cursor + TIP_GAP;
  if (right + width < plot.over.clientWidth) return right;
  const chartLeft = -plot.bbox.left / devicePixelRatio;
  return Math.max(chartLeft, cursor - TIP_GAP - width);
}

export function tipPlugin(spec: PlotSpec): uPlot.Plugin {
  const tip = document.createElement("div");
  tip.className = "plot-tip";
  return {
    hooks: {
      init: (plot) => plot.over.append(tip),
      setCursor: (plot) => {
        const { idx, left } = plot.cursor;
        const shown = idx !== null && idx !== undefined && left !== undefined && left >= 0;
        tip.classList.toggle("shown", shown);
        if (!shown) return;
        const head = document.createElement("div");
        head.className = "muted";
        head.textContent = xText(spec.axis, plot.data[0]?.[idx] ?? 0);
        const lines = spec.lines
          .map((line, i) => ({ line, text: line.role === "line" ? text(plot, spec, i, idx) : undefined }))
          .flatMap(({ line, text: value }) => (value ? [tipLine(line.label, css(line.color), value)] : []))
          .slice(0, TIP_LINES_MAX);
        tip.replaceChildren(head, ...lines);
        tip.style.left = `${tipLeft(left, tip.offsetWidth, plot)}px`;
      },
    },
  };
}
