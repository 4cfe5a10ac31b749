/** A chart as an SVG document: real lines and text, for papers and slides. Text of runs is escaped. */

import type { Range } from "./drawing";
import { logTicks, seen, toPixels, traceLine } from "./drawing";
import { formatNumber } from "./format";
import { ticks } from "./scale";
import type { Curve } from "./series";

interface SvgLook {
  color: string;
  /** On and off in pixels. */
  dash?: readonly number[];
  faint?: boolean;
}

export interface SvgChart {
  title: string;
  width: number;
  height: number;
  x: Range;
  y: Range;
  logX: boolean;
  logY: boolean;
  /** What stands under the x axis, and beside a tick of it. */
  xLabel: string;
  xText: (value: number) => string;
  curves: readonly Curve[];
  /** Of the curves, in their order. */
  lines: readonly (SvgLook & { label: string })[];
  colors: { background: string; text: string; muted: string; grid: string };
  font: string;
}

const LEFT = 64;
const RIGHT = 16;
const TOP = 34;
const BOTTOM = 44;
const LEGEND_ROW = 18;
const LEGEND_MAX = 40;
const LEGEND_COLUMN = 220;

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** As XML text or attribute; characters XML cannot have are left out. */
export function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "")
    .replace(/[&<>"']/g, (one) => ENTITIES[one] ?? "");
}

type Scale = (value: number) => number;

const number = (value: number) => String(Number(value.toFixed(2)));

/** `M` and `L` through finite values, with gaps where one is not. */
function path(x: Float64Array, y: Float64Array, range: Range, sx: Scale, sy: Scale): string {
  let data = "";
  const put = (command: string) => (px: number, py: number) => {
    data += `${command}${number(px)} ${number(py)}`;
  };
  traceLine(x, y, seen(x, range), { x: sx, y: sy }, { move: put("M"), line: put("L") });
  return data;
}

/** Along the upper edge and back along the lower one, anew after each place where one of them is missing. */
function area(curve: Curve, range: Range, sx: Scale, sy: Scale): string {
  const { x, low, high } = curve;
  if (!low || !high) return "";
  const [from, end] = seen(x, range);
  let data = "";
  let there: string[] = [];
  let back: string[] = [];
  const close = () => {
    if (there.length > 0) data += `M${there.join("L")}L${back.reverse().join("L")}Z`;
    [there, back] = [[], []];
  };
  for (let i = from; i <= end; i += 1) {
    const [px, top, bottom] = [sx(x[i] as number), sy(high[i] as number), sy(low[i] as number)];
    if ([px, top, bottom].every(Number.isFinite)) {
      there.push(`${number(px)} ${number(top)}`);
      back.push(`${number(px)} ${number(bottom)}`);
    } else close();
  }
  close();
  return data;
}

function curveSvg(curve: Curve, look: SvgLook, range: Range, sx: Scale, sy: Scale): string {
  const stroke = escaped(look.color);
  const dash = look.dash?.length ? ` stroke-dasharray="${look.dash.join(" ")}"` : "";
  const line = (d: string, width: number, opacity: number, pattern = "") =>
    d === ""
      ? ""
      : `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-opacity="${opacity}" stroke-linejoin="round"${pattern}/>`;
  const filled = area(curve, range, sx, sy);
  return [
    filled && `<path d="${filled}" fill="${stroke}" fill-opacity="0.16"/>`,
    curve.low && !curve.counts && line(path(curve.x, curve.low, range, sx, sy), 0.8, 0.5),
    curve.high && !curve.counts && line(path(curve.x, curve.high, range, sx, sy), 0.8, 0.5),
    curve.raw && line(path(curve.x, curve.raw, range, sx, sy), 1, 0.28),
    line(path(curve.x, curve.y, range, sx, sy), 1.6, look.faint ? 0.55 : 1, dash),
  ]
    .filter(Boolean)
    .join("");
}

function axesSvg(chart: SvgChart, sx: Scale, sy: Scale, plotHeight: number): string {
  const { x, y, logX, logY, colors, width, xText } = chart;
  const bottom = TOP + plotHeight;
  const xs = logX ? logTicks(...x) : ticks(x, 6);
  const ys = logY ? logTicks(...y) : ticks(y, 6);
  const muted = escaped(colors.muted);
  return [
    ...ys.map((value) => {
      const at = number(sy(value));
      return (
        `<path d="M${LEFT} ${at}H${width - RIGHT}" stroke="${escaped(colors.grid)}"/>` +
        `<text x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end" fill="${muted}">${escaped(formatNumber(value, 3))}</text>`
      );
    }),
    ...xs.map(
      (value) =>
        `<text x="${number(sx(value))}" y="${bottom + 16}" text-anchor="middle" fill="${muted}">${escaped(xText(value))}</text>`,
    ),
    `<text x="${(LEFT + width - RIGHT) / 2}" y="${bottom + 34}" text-anchor="middle" fill="${muted}">${escaped(chart.xLabel)}</text>`,
  ].join("");
}

function legendSvg(chart: SvgChart, top: number): string {
  const columns = legendColumns(chart.width);
  const shown = chart.lines.slice(0, LEGEND_MAX);
  const items = shown.map(({ label, color }, i) => {
    const x = LEFT + (i % columns) * LEGEND_COLUMN;
    const y = top + Math.floor(i / columns) * LEGEND_ROW;
    return (
      `<rect x="${x}" y="${y - 8}" width="10" height="10" rx="2" fill="${escaped(color)}"/>` +
      `<text x="${x + 16}" y="${y + 1}" fill="${escaped(chart.colors.text)}">${escaped(label)}</text>`
    );
  });
  const left = chart.lines.length - shown.length;
  if (left > 0) {
    const y = top + Math.ceil(shown.length / columns) * LEGEND_ROW;
    items.push(
      `<text x="${LEFT}" y="${y}" fill="${escaped(chart.colors.muted)}">and ${left} more lines</text>`,
    );
  }
  return items.join("");
}

function legendColumns(width: number): number {
  return Math.max(1, Math.floor((width - LEFT - RIGHT) / LEGEND_COLUMN));
}

function legendHeight(lines: number, width: number): number {
  const rows = Math.ceil(Math.min(lines, LEGEND_MAX) / legendColumns(width)) + (lines > LEGEND_MAX ? 1 : 0);
  return rows * LEGEND_ROW + 10;
}

export function chartSvg(chart: SvgChart): string {
  const { width, colors, x, y, logX, logY } = chart;
  const plotHeight = chart.height - TOP - BOTTOM;
  const height = chart.height + legendHeight(chart.lines.length, width);
  const sx = toPixels(x, logX, LEFT, width - RIGHT);
  const sy = toPixels(y, logY, TOP + plotHeight, TOP);
  const drawn = chart.curves.map((curve, i) => curveSvg(curve, chart.lines[i] ?? { color: "" }, x, sx, sy));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escaped(chart.font)}" font-size="11">`,
    `<title>${escaped(chart.title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${escaped(colors.background)}"/>`,
    `<text x="${LEFT}" y="20" font-size="14" font-weight="600" fill="${escaped(colors.text)}">${escaped(chart.title)}</text>`,
    axesSvg(chart, sx, sy, plotHeight),
    `<clipPath id="area"><rect x="${LEFT}" y="${TOP}" width="${width - LEFT - RIGHT}" height="${plotHeight}"/></clipPath>`,
    `<g clip-path="url(#area)">${drawn.join("")}</g>`,
    legendSvg(chart, chart.height + 10),
    "</svg>\n",
  ].join("\n");
}
