/** Axis, scale and smoothing, shared by all charts of a page and kept between visits. */

import { useState } from "react";
import { Segments } from "~/components/parts";
import { readAxis } from "~/model/series";
import type { ChartSettings } from "./MetricChart";

const STORAGE_KEY = "mlhub.charts";
const DEFAULTS: ChartSettings = { axis: "step", logY: false, smoothing: 0 };
const SMOOTHING_MAX = 0.99;

function stored(): ChartSettings {
  try {
    const body: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "null");
    const read = (typeof body === "object" && body !== null ? body : {}) as Partial<ChartSettings>;
    const weight = Number(read.smoothing);
    return {
      axis: readAxis(read.axis),
      logY: read.logY === true,
      smoothing: weight > 0 && weight <= SMOOTHING_MAX ? weight : 0,
    };
  } catch {
    return DEFAULTS;
  }
}

export function useChartSettings(): [ChartSettings, (next: ChartSettings) => void] {
  const [settings, setSettings] = useState(stored);
  const change = (next: ChartSettings) => {
    setSettings(next);
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(next));
    } catch {
      // Storage is switched off; the choice lasts for the page.
    }
  };
  return [settings, change];
}

export function ChartControls(props: { settings: ChartSettings; onChange: (next: ChartSettings) => void }) {
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
      <label>
        Smoothing
        <input
          type="range"
          min={0}
          max={SMOOTHING_MAX}
          step={0.01}
          value={settings.smoothing}
          onChange={(event) => onChange({ ...settings, smoothing: Number(event.target.value) })}
        />
        <span style={{ width: 28 }}>{settings.smoothing.toFixed(2)}</span>
      </label>
    </div>
  );
}
