/** Predicted probability against what happened, one line per run, with intervals and how many examples stand behind each bin. */

import { calibrationBand } from "~/model/curveBands";
import type { Calibration, CalibrationBin } from "~/model/curves";
import { formatCount, formatNumber } from "~/model/format";
import { ChartFrame, type Scales } from "./frame";

const UNIT = [0, 1] as const;
/** Height of the fullest bin's bar. */
const BAR_SHARE = 0.3;

export interface CalibrationLine {
  key: string;
  label: string;
  /** A CSS colour. */
  color: string;
  calibration: Calibration;
}

const WHISKERS_TEXT =
  "Whiskers: 95 % interval of Wilson for each bin, of independent examples without weights.";
const BARS_TEXT = "Bars: how many examples had this predicted probability.";

function filled(calibration: Calibration): CalibrationBin[] {
  return calibration.bins.filter((bin) => bin.predicted !== undefined && bin.observed !== undefined);
}

export function CalibrationChart({ lines }: { lines: readonly CalibrationLine[] }) {
  const [first] = lines;
  const label = first?.calibration.label;
  const subject = label === undefined ? "the top class" : `class ${label}`;
  return (
    <div className="stack tight calibration">
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
            {lines.length === 1 && first && <Spread bins={filled(first.calibration)} scales={scales} />}
            {lines.map((line) => (
              <Bins key={line.key} line={line} scales={scales} />
            ))}
          </>
        )}
      </ChartFrame>
      <p className="small muted">
        {WHISKERS_TEXT} {lines.length === 1 && BARS_TEXT}
      </p>
      {lines.length > 1 && (
        <ul className="legend">
          {lines.map((line) => (
            <li key={line.key} className="row">
              <span className="swatch" style={{ background: line.color }} /> {line.label}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** How many examples are in each bin, relative to the fullest. */
function Spread({ bins, scales }: { bins: readonly CalibrationBin[]; scales: Scales }) {
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  return bins.map((bin) => {
    const top = scales.y((bin.count / most) * BAR_SHARE);
    return (
      <rect
        key={bin.low}
        className="bar faint"
        x={scales.x(bin.low) + 1}
        width={Math.max(1, scales.x(bin.high) - scales.x(bin.low) - 2)}
        y={top}
        height={scales.y(0) - top}
      />
    );
  });
}

function Bins({ line, scales }: { line: CalibrationLine; scales: Scales }) {
  const bins = filled(line.calibration);
  const at = (bin: CalibrationBin) => ({ x: scales.x(bin.predicted ?? 0), y: scales.y(bin.observed ?? 0) });
  const path = bins.map((bin, i) => `${i === 0 ? "M" : "L"}${at(bin).x} ${at(bin).y}`).join("");
  return (
    <>
      <path className="curve" stroke={line.color} d={path} />
      {bins.map((bin) => {
        const { x, y } = at(bin);
        const interval = calibrationBand(bin);
        const told =
          interval && `, interval ${formatNumber(interval[0], 3)} to ${formatNumber(interval[1], 3)}`;
        return (
          <g key={bin.low}>
            {interval && (
              <path
                className="whisker"
                stroke={line.color}
                d={`M${x} ${scales.y(interval[0])}V${scales.y(interval[1])}m-3 0h6M${x - 3} ${scales.y(interval[0])}h6`}
              />
            )}
            <circle cx={x} cy={y} r={4} fill={line.color}>
              <title>
                {`${line.label}: predicted ${formatNumber(bin.predicted)}, observed ${formatNumber(bin.observed)}${told ?? ""}, ${formatCount(bin.count)} examples`}
              </title>
            </circle>
          </g>
        );
      })}
    </>
  );
}
