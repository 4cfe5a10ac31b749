/** Saves what a chart shows: as a picture, as a drawing, as numbers. */

import { historyCsv } from "~/api/chartSeries";
import { csv, fileName } from "~/model/csv";
import type { RawSeries, XAxis } from "~/model/series";
import { chartSvg } from "~/model/svg";
import type { MetricPlot, PlotData } from "./plot";
import { X_LABEL, xTick } from "./plotAxes";
import { css } from "./plotColor";

const PNG_TITLE = 30;
const PNG_ROW = 18;
const PNG_LEGEND_MAX = 12;

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

export interface Exported {
  title: string;
  plot: MetricPlot;
  data: PlotData;
  axis: XAxis;
  logX: boolean;
  logY: boolean;
}

export function saveSvg({ title, plot, data, axis, logX, logY }: Exported): void {
  const { canvas, x, y } = plot.snapshot();
  const text = chartSvg({
    title,
    width: Math.max(480, Math.round(canvas.width / devicePixelRatio)),
    height: Math.max(280, Math.round(canvas.height / devicePixelRatio) + PNG_TITLE),
    x,
    y,
    logX,
    logY,
    xLabel: X_LABEL[axis],
    xText: (value) => xTick(axis, value),
    curves: data.curves,
    lines: data.lines.map((line) => ({ ...line, color: css(line.color) })),
    colors: {
      background: css("--panel"),
      text: css("--text"),
      muted: css("--muted"),
      grid: css("--line"),
    },
    font: "system-ui, sans-serif",
  });
  save(new Blob([text], { type: "image/svg+xml" }), fileName(title, "svg"));
}

/** The canvas with the title over it and what its lines are under it. */
export function savePng({ title, plot, data }: Exported): void {
  const { canvas } = plot.snapshot();
  const scale = devicePixelRatio;
  const shown = data.lines.slice(0, PNG_LEGEND_MAX);
  const left = data.lines.length - shown.length;
  const rows = shown.length + (left > 0 ? 1 : 0);
  const whole = document.createElement("canvas");
  whole.width = canvas.width;
  whole.height = canvas.height + (PNG_TITLE + rows * PNG_ROW + 8) * scale;
  const ctx = whole.getContext("2d");
  if (!ctx) return;
  ctx.fillStyle = css("--panel");
  ctx.fillRect(0, 0, whole.width, whole.height);
  ctx.drawImage(canvas, 0, PNG_TITLE * scale);
  ctx.scale(scale, scale);
  ctx.font = `600 14px ${css("--font")}`;
  ctx.fillStyle = css("--text");
  ctx.fillText(title, 12, 20);
  ctx.font = `11px ${css("--font")}`;
  const top = PNG_TITLE + canvas.height / scale;
  shown.forEach(({ label, color }, i) => {
    const y = top + (i + 1) * PNG_ROW;
    ctx.fillStyle = css(color);
    ctx.fillRect(12, y - 9, 10, 10);
    ctx.fillStyle = css("--text");
    ctx.fillText(label, 28, y);
  });
  ctx.fillStyle = css("--muted");
  if (left > 0) ctx.fillText(`and ${left} more lines`, 12, top + rows * PNG_ROW);
  whole.toBlob((blob) => blob && save(blob, fileName(title, "png")), "image/png");
}

/** Every point the runs logged of one metric. */
export async function saveHistory(metric: string, runs: readonly string[]): Promise<void> {
  save(await historyCsv(runs, metric), fileName(metric, "csv"));
}

/** The points computed of an expression; there is no history of it. */
export function savePoints(text: string, series: readonly RawSeries[]): void {
  const rows = series.flatMap((one) =>
    Array.from(one.steps, (step, i) => [one.run, text, step, one.times_ms[i], one.values[i]] as const),
  );
  const body = csv(["run", "expression", "step", "time_ms", "value"], rows);
  save(new Blob([body], { type: "text/csv" }), fileName(text, "csv"));
}
