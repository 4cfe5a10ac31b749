/** ROC and precision-recall curves on the unit square, one line per class or run, with bands. */

import { type PointerEvent, useState } from "react";
import { type Banded, bandEnds, bandText, intervalAt, nearestPoint } from "~/model/curveBands";
import type { Curve } from "~/model/curves";
import { formatNumber } from "~/model/format";
import { CHART, ChartFrame, Diagonal, linePath, type Scales } from "./frame";

const UNIT = [0, 1] as const;
/** With more lines only the band of the one pointed at is drawn. */
const BANDS_MAX = 2;
/** Distance on the unit square up to which a point is pointed at. */
const REACH = 0.12;

export interface CurveLine extends Banded {
  key: string;
  label: string;
  /** A CSS colour. */
  color: string;
  curve: Curve;
}

interface Props {
  title: string;
  lines: readonly CurveLine[];
  xLabel: string;
  yLabel: string;
  scoreName: string;
  diagonal: boolean;
  /** What Wilson's bands are of. */
  wilsonText: string;
}

interface Pointed {
  key: string;
  /** The point of the curve; undefined when the line was pointed at in the legend. */
  index: number | undefined;
}

export function curvePath(curve: Curve, scales: Scales): string {
  return linePath(
    curve.x.map((x, i) => [x, curve.y[i] ?? Number.NaN] as const),
    scales,
  );
}

/** Along the upper ends and back along the lower ones; empty without a band. */
function bandPoints(line: CurveLine, scales: Scales): string {
  const ends = bandEnds(line.curve, line);
  const at = (x: number, y: number) => `${scales.x(x).toFixed(2)},${scales.y(y).toFixed(2)}`;
  const there = ends.map(({ x, high }) => at(x, high));
  const back = ends.map(({ x, low }) => at(x, low));
  return [...there, ...back.reverse()].join(" ");
}

/** Where the pointer is on the unit square. */
function unitPlace(event: PointerEvent<HTMLElement>): { x: number; y: number } {
  const box = event.currentTarget.getBoundingClientRect();
  const scale = CHART.width / box.width;
  const x = (event.clientX - box.left) * scale - CHART.left;
  const y = CHART.height - CHART.bottom - (event.clientY - box.top) * scale;
  return {
    x: x / (CHART.width - CHART.left - CHART.right),
    y: y / (CHART.height - CHART.top - CHART.bottom),
  };
}

function nearestLine(lines: readonly CurveLine[], at: { x: number; y: number }): Pointed | undefined {
  let best: Pointed | undefined;
  let least = REACH;
  for (const { key, curve } of lines) {
    const found = nearestPoint(curve, at);
    if (found && found.distance < least) {
      least = found.distance;
      best = { key, index: found.index };
    }
  }
  return best;
}

export function CurveChart(props: Props) {
  const { lines } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [pointed, setPointed] = useState<Pointed>();
  const toggle = (key: string) =>
    setHidden((before) => {
      const next = new Set(before);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  const shown = lines.filter((line) => !hidden.has(line.key));
  const banded = shown
    .filter((line) => line.whole || line.band)
    .filter((line) => shown.length <= BANDS_MAX || line.key === pointed?.key);
  return (
    <div className="stack tight">
      <div
        className="curve-area"
        onPointerMove={(event) => setPointed(nearestLine(shown, unitPlace(event)))}
        onPointerLeave={() => setPointed(undefined)}
      >
        <ChartFrame label={props.title} x={UNIT} y={UNIT} xLabel={props.xLabel} yLabel={props.yLabel}>
          {(scales) => (
            <>
              {props.diagonal && <Diagonal scales={scales} />}
              {banded.map((line) => (
                <polygon
                  key={line.key}
                  className="curve-band"
                  fill={line.color}
                  points={bandPoints(line, scales)}
                />
              ))}
              {shown.map(({ key, curve, color }) => (
                <path
                  key={key}
                  className={`curve ${pointed && pointed.key !== key ? "dimmed" : ""}`}
                  d={curvePath(curve, scales)}
                  stroke={color}
                />
              ))}
              <Point
                line={shown.find((line) => line.key === pointed?.key)}
                index={pointed?.index}
                scales={scales}
              />
            </>
          )}
        </ChartFrame>
      </div>
      <Reading {...props} line={lines.find((line) => line.key === pointed?.key)} index={pointed?.index} />
      <div className="legend">
        {lines.map(({ key, label, color, curve }) => (
          <button
            key={key}
            type="button"
            aria-pressed={!hidden.has(key)}
            title={`${props.scoreName} ${curve.score ?? "unknown"}`}
            onClick={() => toggle(key)}
            onFocus={() => setPointed({ key, index: undefined })}
            onBlur={() => setPointed(undefined)}
            onPointerEnter={() => setPointed({ key, index: undefined })}
            onPointerLeave={() => setPointed(undefined)}
          >
            <span className="swatch" style={{ background: color }} />
            {label} <span className="faint">{formatNumber(curve.score)}</span>
          </button>
        ))}
      </div>
    </div>
  );
}

function Point(props: { line: CurveLine | undefined; index: number | undefined; scales: Scales }) {
  const { line, index, scales } = props;
  if (!line || index === undefined) return null;
  const { curve, color } = line;
  return (
    <circle
      className="curve-point"
      cx={scales.x(curve.x[index] ?? 0)}
      cy={scales.y(curve.y[index] ?? 0)}
      r={4.5}
      fill={color}
    />
  );
}

/** What the point says, in words; without one, what the bands are. */
function Reading(props: Props & { line: CurveLine | undefined; index: number | undefined }) {
  const { line, index, xLabel, yLabel } = props;
  if (!line) {
    const text = bandText(props.lines, props.wilsonText);
    const few = props.lines.length <= BANDS_MAX;
    return (
      <p className="analysis-line small muted">
        {text && (few ? text : `${text} Point at a line to see its band.`)}
      </p>
    );
  }
  const interval = index === undefined ? undefined : intervalAt(line.curve, index, line);
  return (
    <p className="analysis-line small muted">
      <b>{line.label}</b>
      {index === undefined ? (
        <span>
          {props.scoreName} <b>{formatNumber(line.curve.score)}</b>
        </span>
      ) : (
        <>
          <span>
            {xLabel} <b>{formatNumber(line.curve.x[index], 3)}</b>
          </span>
          <span>
            {yLabel} <b>{formatNumber(line.curve.y[index], 3)}</b>
            {interval && ` (${formatNumber(interval[0], 3)} to ${formatNumber(interval[1], 3)})`}
          </span>
          <span>
            threshold <b>{formatNumber(line.curve.thresholds[index], 3)}</b>
          </span>
        </>
      )}
    </p>
  );
}
