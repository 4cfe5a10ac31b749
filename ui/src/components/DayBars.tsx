/** Runs per day as small bars; the failed ones are drawn apart, and the picture has its numbers as text. */

import type { DayCount } from "~/model/activity";
import { plural } from "~/model/format";

const HEIGHT = 28;
const STEP = 10;
const BAR = 7;

function dayText({ day, runs, bad }: DayCount): string {
  const date = new Date(day).toLocaleDateString(undefined, {
    weekday: "short",
    day: "numeric",
    month: "short",
  });
  return `${date}: ${plural(runs, "run")}${bad > 0 ? `, ${bad} failed` : ""}`;
}

/** `most` is the number of runs a full bar stands for, so that several pictures share a scale. */
export function DayBars({ days, most, label }: { days: readonly DayCount[]; most: number; label: string }) {
  const total = days.reduce((sum, day) => sum + day.runs, 0);
  const bad = days.reduce((sum, day) => sum + day.bad, 0);
  const height = (count: number) => (count === 0 ? 0 : Math.max(2, (count / Math.max(1, most)) * HEIGHT));
  const text = `${label}: ${plural(total, "run")} in ${days.length} days, ${bad} of them failed`;
  return (
    <svg
      className="day-bars"
      viewBox={`0 0 ${days.length * STEP} ${HEIGHT + 1}`}
      preserveAspectRatio="xMinYMid meet"
      role="img"
      aria-label={text}
    >
      {days.map((day, at) => (
        <g key={day.day}>
          <title>{dayText(day)}</title>
          <rect className="ground" x={at * STEP} y={0} width={STEP} height={HEIGHT + 1} />
          <rect className="base" x={at * STEP} y={HEIGHT} width={BAR} height={1} />
          <rect x={at * STEP} y={HEIGHT - height(day.runs)} width={BAR} height={height(day.runs)} rx="1" />
          <rect
            className="bad"
            x={at * STEP}
            y={HEIGHT - height(day.bad)}
            width={BAR}
            height={height(day.bad)}
            rx="1"
          />
        </g>
      ))}
    </svg>
  );
}
