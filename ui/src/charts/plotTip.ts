/** What stands beside the pointer: where it is, and the values there, largest first. */

import type uPlot from "uplot";
import { formatNumber, plural } from "~/model/format";
import { type Reading, readings, sortedReadings } from "~/model/readings";
import type { XAxis } from "~/model/series";
import type { PlotData, PlotShape } from "./plot";
import { xText } from "./plotAxes";
import { css } from "./plotColor";

const TIP_LINES_MAX = 12;
/** Between the pointer and the tip. */
const TIP_GAP = 14;
/** As wide as its style lets it be. */
const TIP_WIDTH_MAX = 340;
/** A curve nearer to the pointer than this is the one meant. */
const NEAR_PIXELS = 28;

function element(tag: string, className: string, text?: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function valueText({ value, low, high, count }: Reading): string {
  const number = Number.isNaN(value) ? "not finite" : formatNumber(value);
  const edges =
    low !== undefined && high !== undefined && low !== high
      ? `  (${formatNumber(low)} – ${formatNumber(high)})`
      : "";
  return `${number}${edges}${count === undefined ? "" : `  n=${count}`}`;
}

export class PlotTip {
  private readonly box = element("div", "plot-tip");
  private readonly axis: XAxis;

  constructor(axis: XAxis) {
    this.axis = axis;
  }

  mount(over: HTMLElement): void {
    over.append(this.box);
  }

  hide(): void {
    this.box.classList.remove("shown");
  }

  /** Shows what is at the pointer; the key of the curve nearest to it, if one is near. */
  show(plot: uPlot, data: PlotData, at: { left: number; top: number }, shape: PlotShape): string | undefined {
    const x = plot.posToVal(at.left, "x");
    const width = (plot.scales.x?.max ?? 1) - (plot.scales.x?.min ?? 0);
    const found = readings(data.curves, x, width);
    if (found.length === 0) {
      this.hide();
      return undefined;
    }
    let nearest: Reading | undefined;
    let distance = NEAR_PIXELS;
    for (const one of found) {
      if (!Number.isFinite(one.value) || (shape.logY && one.value <= 0)) continue;
      const pixels = Math.abs(plot.valToPos(one.value, "y") - at.top);
      if (pixels >= distance) continue;
      nearest = one;
      distance = pixels;
    }
    this.place(at.left, plot);
    this.fill(found, data, nearest, plot);
    return nearest && data.lines[nearest.curve]?.key;
  }

  private fill(found: readonly Reading[], data: PlotData, nearest: Reading | undefined, plot: uPlot): void {
    const sorted = sortedReadings(found, nearest, TIP_LINES_MAX);
    const places = new Set(found.map((one) => one.x));
    // Curves need not have points at the same places; the head tells that of the one meant.
    const place = nearest?.x ?? found[0]?.x ?? plot.posToVal(plot.cursor.left ?? 0, "x");
    const head = element(
      "div",
      "muted",
      xText(this.axis, place) + (places.size > 1 ? " (nearest points)" : ""),
    );
    const lines = sorted.map((one) => {
      const line = data.lines[one.curve];
      const row = element("div", one === nearest ? "line nearest" : "line");
      const swatch = element("span", "swatch");
      swatch.style.background = css(line?.color ?? "--muted");
      row.append(swatch, element("span", "truncate", line?.label ?? ""), element("b", "", valueText(one)));
      return row;
    });
    const notes = this.notes(found, found.length - sorted.length);
    this.box.replaceChildren(head, ...lines, ...notes);
  }

  private notes(found: readonly Reading[], left: number): HTMLElement[] {
    const notes: string[] = [];
    if (left > 0) notes.push(`and ${plural(left, "more line")}`);
    if (found.some((one) => one.between)) notes.push("interpolated where a run has no point");
    if (found.some((one) => one.count !== undefined && !one.exact)) {
      notes.push("computed from reduced data; zoom in for all points");
    }
    return notes.map((note) => element("div", "faint", note));
  }

  /**
   * Right of the pointer where there is room, else left of it; it may reach over the chart beside.
   * Nothing is measured: that would lay the whole page out anew at every move.
   */
  private place(left: number, plot: uPlot): void {
    const fits = plot.rect.left + left + TIP_GAP + TIP_WIDTH_MAX < document.documentElement.clientWidth;
    this.box.style.left = fits ? `${left + TIP_GAP}px` : "auto";
    this.box.style.right = fits ? "auto" : `${plot.rect.width - left + TIP_GAP}px`;
    this.box.classList.add("shown");
  }
}
