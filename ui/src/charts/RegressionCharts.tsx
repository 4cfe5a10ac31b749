/** Regression: where predictions fall against the truth, and how residuals spread. */

import type { Density, Histogram } from "~/model/curves";
import { formatCount, formatNumber } from "~/model/format";
import { ChartFrame } from "./frame";

export function DensityChart({ density }: { density: Density }) {
  const { low, high, bins, counts } = density;
  const domain: [number, number] = high > low ? [low, high] : [low - 0.5, low + 0.5];
  const step = (domain[1] - domain[0]) / bins;
  const most = Math.log1p(Math.max(1, ...counts));
  const cells = counts.flatMap((count, i) =>
    count > 0 ? [{ count, truth: Math.floor(i / bins), predicted: i % bins }] : [],
  );
  return (
    <ChartFrame label="Predicted against true values" x={domain} y={domain} xLabel="true" yLabel="predicted">
      {(scales) => (
        <>
          {cells.map(({ count, truth, predicted }) => {
            const x = domain[0] + truth * step;
            const y = domain[0] + predicted * step;
            return (
              <rect
                key={`${truth}-${predicted}`}
                className="heat"
                x={scales.x(x)}
                y={scales.y(y + step)}
                width={scales.x(x + step) - scales.x(x) + 0.4}
                height={scales.y(y) - scales.y(y + step) + 0.4}
                style={{ opacity: 0.15 + 0.85 * (Math.log1p(count) / most) }}
              >
                <title>{`${formatCount(count)} examples, true ${formatNumber(x)}, predicted ${formatNumber(y)}`}</title>
              </rect>
            );
          })}
          <line
            className="diagonal"
            x1={scales.x(domain[0])}
            y1={scales.y(domain[0])}
            x2={scales.x(domain[1])}
            y2={scales.y(domain[1])}
          />
        </>
      )}
    </ChartFrame>
  );
}

export function ResidualChart({ histogram }: { histogram: Histogram }) {
  const { low, high, counts } = histogram;
  const domain: [number, number] = high > low ? [low, high] : [low - 0.5, low + 0.5];
  const step = (domain[1] - domain[0]) / counts.length;
  const bars = counts.map((count, i) => ({ count, from: domain[0] + i * step }));
  return (
    <ChartFrame
      label="Distribution of residuals"
      x={domain}
      y={[0, Math.max(1, ...counts) * 1.05]}
      xLabel="true − predicted"
      yLabel="examples"
    >
      {(scales) =>
        bars.map(({ count, from }) => (
          <rect
            key={from}
            className="bar"
            x={scales.x(from) + 0.5}
            width={Math.max(0.5, scales.x(from + step) - scales.x(from) - 1)}
            y={scales.y(count)}
            height={scales.y(0) - scales.y(count)}
          >
            <title>{`${formatCount(count)} examples from ${formatNumber(from)} to ${formatNumber(from + step)}`}</title>
          </rect>
        ))
      }
    </ChartFrame>
  );
}
