/** A forecast step by step, with its bounds where there are some. */

import { formatNumber } from "~/model/format";
import { padded } from "~/model/scale";
import { extent } from "~/model/statistics";
import { ChartFrame, type Scales } from "./frame";

/** Dots are drawn for no more steps than they can be told apart for. */
const DOTS_MAX = 60;

interface Forecast {
  values: readonly number[];
  lower: readonly number[] | undefined;
  upper: readonly number[] | undefined;
}

/** Through the finite values; a gap where one is not. */
function line(values: readonly number[], scales: Scales): string {
  return values
    .map((value, at) => {
      if (!Number.isFinite(value)) return "";
      const start = at === 0 || !Number.isFinite(values[at - 1]);
      return `${start ? "M" : "L"}${scales.x(at + 1).toFixed(2)} ${scales.y(value).toFixed(2)}`;
    })
    .join("");
}

/** Once along the upper bound and back along the lower one, where both are finite. */
function band({ lower, upper }: Forecast, scales: Scales): string {
  const steps = (lower ?? []).flatMap((low, at) => {
    const high = upper?.[at];
    return high !== undefined && Number.isFinite(low) && Number.isFinite(high) ? [{ at, low, high }] : [];
  });
  const there = steps.map(({ at, high }) => `${scales.x(at + 1).toFixed(2)},${scales.y(high).toFixed(2)}`);
  const back = steps.map(({ at, low }) => `${scales.x(at + 1).toFixed(2)},${scales.y(low).toFixed(2)}`);
  return [...there, ...back.reverse()].join(" ");
}

export function ForecastChart(forecast: Forecast) {
  const { values, lower, upper } = forecast;
  const steps: [number, number] = values.length > 1 ? [1, values.length] : [0.5, 1.5];
  const range = padded(extent([...values, ...(lower ?? []), ...(upper ?? [])]) ?? [0, 1]);
  return (
    <ChartFrame label={`Forecast of ${values.length} steps`} x={steps} y={range} xLabel="step" yLabel="value">
      {(scales) => (
        <>
          {lower && upper && <polygon className="forecast-band" points={band(forecast, scales)} />}
          <path className="curve" stroke="var(--accent)" d={line(values, scales)} />
          {values.length <= DOTS_MAX &&
            values.map((value, at) =>
              Number.isFinite(value) ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
                <circle key={at} className="forecast-dot" cx={scales.x(at + 1)} cy={scales.y(value)} r={3}>
                  <title>{`step ${at + 1}: ${formatNumber(value)}`}</title>
                </circle>
              ) : null,
            )}
        </>
      )}
    </ChartFrame>
  );
}
