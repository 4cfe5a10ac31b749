/** Axes, scales, smoothing and grouping, shared by all charts of a workspace. */

import type { ReactNode } from "react";
import { Popover } from "~/components/Popover";
import { Segments } from "~/components/parts";
import { BAND_TEXT, BANDS } from "~/model/bands";
import { type ChartSettings, type DrawnSettings, SMOOTHING_MAX } from "~/model/workspace";

interface Props {
  settings: ChartSettings;
  /** How groups are drawn now, chosen or not. */
  band: DrawnSettings["band"];
  /** Whether the runs have groups to take means of. */
  grouped: boolean;
  /** Whether resumes left branches behind that can be drawn. */
  branched: boolean;
  onChange: (next: ChartSettings) => void;
}

function Check(props: { checked: boolean; onChange: (checked: boolean) => void; children: ReactNode }) {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => props.onChange(event.target.checked)}
      />
      <span>{props.children}</span>
    </label>
  );
}

function More({ settings, onChange }: Props) {
  return (
    <Popover label="More chart settings" button="Axes" on={settings.logX || settings.clip}>
      {() => (
        <>
          <Check checked={settings.logX} onChange={(logX) => onChange({ ...settings, logX })}>
            Logarithmic horizontal axis
          </Check>
          <Check checked={settings.clip} onChange={(clip) => onChange({ ...settings, clip })}>
            Leave outliers out: clip the vertical axis to the 1st to 99th percentile. Each chart says how many
            points are outside.
          </Check>
          <hr />
          <p className="muted small">
            Drag over a range to zoom; double-click shows all. Shift-drag or shift-wheel pans, ctrl-wheel
            zooms. With a chart focused: arrows pan, + and − zoom, 0 shows all.
          </p>
        </>
      )}
    </Popover>
  );
}

function Groups({ settings, band, onChange }: Props) {
  return (
    <label>
      Groups
      <select
        className="input"
        value={band}
        onChange={(event) => {
          const chosen = BANDS.find((one) => one === event.target.value) ?? "none";
          onChange({ ...settings, band: chosen });
        }}
      >
        <option value="none">each run</option>
        {BANDS.map((one) => (
          <option key={one} value={one}>
            {BAND_TEXT[one]}
          </option>
        ))}
      </select>
    </label>
  );
}

export function ChartControls(props: Props) {
  const { settings, onChange } = props;
  return (
    <div className="chart-controls">
      <Segments
        label="Horizontal axis"
        value={settings.axis}
        onChange={(axis) => onChange({ ...settings, axis })}
        options={[
          ["step", "Step"],
          ["relative", "Time", "Time since the start of the run"],
          ["wall", "Clock", "Date and time"],
        ]}
      />
      <Segments
        label="Vertical scale"
        value={settings.logY ? "log" : "linear"}
        onChange={(scale) => onChange({ ...settings, logY: scale === "log" })}
        options={[
          ["linear", "Linear"],
          ["log", "Log"],
        ]}
      />
      <label title="Moving average: the weight kept per point, or per thousandth of the view where more points are in it">
        Smoothing
        <input
          type="range"
          min={0}
          max={SMOOTHING_MAX}
          step={0.01}
          value={settings.smoothing}
          onChange={(event) => onChange({ ...settings, smoothing: Number(event.target.value) })}
        />
        <span className="smoothing-value">{settings.smoothing.toFixed(2)}</span>
      </label>
      {props.grouped && <Groups {...props} />}
      {props.branched && (
        <Check checked={settings.superseded} onChange={(superseded) => onChange({ ...settings, superseded })}>
          Superseded
        </Check>
      )}
      <More {...props} />
    </div>
  );
}
