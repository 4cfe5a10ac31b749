/** The axes of metric charts: steps, time since the start, or the clock. */

import type uPlot from "uplot";
import { logTicks } from "~/model/drawing";
import { formatDuration, formatNumber, formatTime } from "~/model/format";
import type { XAxis } from "~/model/series";
import { css } from "./plotColor";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Distances between ticks that read well as lengths of time. */
const TIME_TICKS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((n) => n * DAY),
];

/** Where the cursor stands, in words. */
export function xText(axis: XAxis, value: number): string {
  if (axis === "wall") return formatTime(value);
  return axis === "relative" ? `after ${formatDuration(value)}` : `step ${formatNumber(Math.round(value))}`;
}

/** What the x axis counts. */
export const X_LABEL: Record<XAxis, string> = {
  step: "step",
  relative: "time since the start",
  wall: "date and time",
};

/** Beside one tick, where there is no other to lean on. */
export function xTick(axis: XAxis, value: number): string {
  if (axis === "wall") return formatTime(value).slice(5, 16);
  return axis === "relative" ? lengthText(value) : formatNumber(value, 3);
}

/** uPlot's own clock counts seconds; ours milliseconds. */
export function clockScale(axis: XAxis): { ms?: 1 } {
  return axis === "wall" ? { ms: 1 } : {};
}

function stepText(value: number): string {
  return Number.isInteger(value) ? formatNumber(value, 3) : "";
}

function lengthText(milliseconds: number): string {
  return milliseconds === 0 ? "0" : formatDuration(milliseconds);
}

/** Hours and minutes, with the day under the first tick and where it changes. */
function clockTexts(at: readonly number[], distance: number): string[] {
  let before = "";
  return at.map((value) => {
    const [day = "", time = ""] = formatTime(value).split(" ");
    const shown = distance >= DAY ? "" : distance >= MINUTE ? time.slice(0, 5) : time;
    const fresh = day !== before;
    before = day;
    return shown === "" ? day : fresh ? `${shown}\n${day}` : shown;
  });
}

function xAxis(axis: XAxis): uPlot.Axis {
  switch (axis) {
    case "wall":
      return { size: 38, space: 84, values: (_, at, __, ___, distance) => clockTexts(at, distance) };
    case "relative":
      return {
        size: 26,
        incrs: TIME_TICKS,
        values: (_, at) => at.map((value) => (value === null ? "" : lengthText(value))),
      };
    default:
      return { size: 26, values: (_, at) => at.map((value) => (value === null ? "" : stepText(value))) };
  }
}

/** uPlot's own ticks of a logarithmic axis never end from some ranges on, such as 0.0996 to 2.4. */
const LOG_AXIS: Pick<uPlot.Axis, "splits" | "filter"> = {
  splits: (_, __, from, to) => logTicks(from, to),
  filter: (_, at) => at,
};

export function axes(axis: XAxis, log: { x: boolean; y: boolean }): uPlot.Axis[] {
  const shared = {
    stroke: css("--muted"),
    font: `11px ${css("--font")}`,
    ticks: { show: false },
    grid: { stroke: css("--line"), width: 1 },
  };
  return [
    { ...shared, gap: 5, space: 72, ...xAxis(axis), ...(log.x && LOG_AXIS), grid: { show: false } },
    {
      ...shared,
      ...(log.y && LOG_AXIS),
      size: 50,
      gap: 5,
      space: 34,
      values: (_, at) => at.map((value) => (value === null ? "" : formatNumber(value, 3))),
    },
  ];
}
