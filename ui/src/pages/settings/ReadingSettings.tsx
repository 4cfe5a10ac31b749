/** How numbers and times are written, and how charts start. */

import { Panel, Segments } from "~/components/parts";
import { changeSettings, useSettings } from "~/components/settings";
import { formatNumber, formatTime } from "~/model/format";
import { type ChartAxis, DIGITS_MAX, DIGITS_MIN, SMOOTHING_MAX, type TimeZone } from "~/model/settings";
import { Setting } from "./Setting";

export function ReadingSettings() {
  const { digits, timeZone, chartAxis, chartSmoothing } = useSettings();
  const choices = Array.from({ length: DIGITS_MAX - DIGITS_MIN + 1 }, (_, i) => DIGITS_MIN + i);
  return (
    <Panel title="Numbers, times, charts" flush>
      <Setting
        name="Digits"
        help={`π is written ${formatNumber(Math.PI)}. The pointer on a number shows every digit.`}
      >
        <select
          className="select"
          aria-label="Digits"
          value={digits}
          onChange={(event) => changeSettings({ digits: Number(event.target.value) })}
        >
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      </Setting>
      <Setting name="Time zone" help={`This page was opened ${formatTime(performance.timeOrigin)}.`}>
        <Segments<TimeZone>
          label="Time zone"
          value={timeZone}
          onChange={(next) => changeSettings({ timeZone: next })}
          options={[
            ["local", "Local"],
            ["utc", "UTC"],
          ]}
        />
      </Setting>
      <Setting name="Charts start on" help="A link or a saved view that says otherwise wins.">
        <Segments<ChartAxis>
          label="Charts start on"
          value={chartAxis}
          onChange={(next) => changeSettings({ chartAxis: next })}
          options={[
            ["step", "Step"],
            ["relative", "Time since start"],
            ["wall", "Clock"],
          ]}
        />
      </Setting>
      <Setting name="Smoothing of charts" help="The raw line stays behind, faint.">
        <label className="row">
          <input
            type="range"
            aria-label="Smoothing of charts"
            min={0}
            max={SMOOTHING_MAX}
            step={0.01}
            value={chartSmoothing}
            onChange={(event) => changeSettings({ chartSmoothing: Number(event.target.value) })}
          />
          <span className="num">{chartSmoothing === 0 ? "none" : chartSmoothing.toFixed(2)}</span>
        </label>
      </Setting>
    </Panel>
  );
}
