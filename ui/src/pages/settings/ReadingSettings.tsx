/** How numbers and times are written. */

import { Panel, Segments } from "~/components/parts";
import { changeSettings, useSettings } from "~/components/settings";
import { formatNumber, formatTime } from "~/model/format";
import { DIGITS_MAX, DIGITS_MIN, type TimeZone } from "~/model/settings";
import { Setting } from "./Setting";

export function ReadingSettings() {
  const { digits, timeZone } = useSettings();
  const choices = Array.from({ length: DIGITS_MAX - DIGITS_MIN + 1 }, (_, i) => DIGITS_MIN + i);
  return (
    <Panel title="Numbers and times" flush>
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
    </Panel>
  );
}
