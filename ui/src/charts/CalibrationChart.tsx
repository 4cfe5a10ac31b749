/** Reliability: how often what was predicted with some probability happened. */

import type { Calibration } from "~/model/curves";
import { formatCount, formatNumber } from "~/model/format";
import { ChartFrame } from "./frame";

const UNIT = [0, 1] as const;

export function CalibrationChart({ calibration }: { calibration: Calibration }) {
  const bins = calibration.bins.filter((bin) => bin.predicted !== undefined && bin.observed !== undefined);
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  const subject = calibration.label === undefined ? "the top class" : `class ${calibration.label}`;
  return (
    <ChartFrame
      label={`Calibration of ${subject}`}
      x={UNIT}
      y={UNIT}
      xLabel={`predicted probability of ${subject}`}
      yLabel="observed frequency"
    >
      {(scales) => (
        <>
          <line className="diagonal" x1={scales.x(0)} y1={scales.y(0)} x2={scales.x(1)} y2={scales.y(1)} />
          {bins.map((bin) => (
            <rect
              key={bin.low}
              className="bar"
              opacity={0.18}
              x={scales.x(bin.low) + 1}
              width={Math.max(1, scales.x(bin.high) - scales.x(bin.low) - 2)}
              y={scales.y((bin.count / most) * 0.3)}
              height={scales.y(0) - scales.y((bin.count / most) * 0.3)}
              style={{ opacity: 0.22 }}
            />
          ))}
          <path
            className="curve"
            stroke="var(--accent)"
            d={bins
              .map(
                (bin, i) =>
                  `${i === 0 ? "M" : "L"}${scales.x(bin.predicted ?? 0)} ${scales.y(bin.observed ?? 0)}`,
              )
              .join("")}
          />
          {bins.map((bin) => (
            <circle
              key={bin.low}
              cx={scales.x(bin.predicted ?? 0)}
              cy={scales.y(bin.observed ?? 0)}
              r={4}
              fill="var(--accent)"
            >
              <title>
                {`predicted ${formatNumber(bin.predicted)}, observed ${formatNumber(bin.observed)}, ${formatCount(bin.count)} examples`}
              </title>
            </circle>
          ))}
        </>
      )}
    </ChartFrame>
  );
}
