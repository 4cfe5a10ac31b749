/** ROC and precision-recall curves on the unit square, one line per class. */

import { useState } from "react";
import { seriesColor } from "~/model/colors";
import type { Curve } from "~/model/curves";
import { formatNumber } from "~/model/format";
import { ChartFrame, type Scales } from "./frame";

const UNIT = [0, 1] as const;

function path(curve: Curve, scales: Scales): string {
  return curve.x
    .map((x, i) => `${i === 0 ? "M" : "L"}${scales.x(x).toFixed(2)} ${scales.y(curve.y[i] ?? 0).toFixed(2)}`)
    .join("");
}

export function CurveChart(props: {
  title: string;
  curves: readonly Curve[];
  xLabel: string;
  yLabel: string;
  scoreName: string;
  diagonal: boolean;
}) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const toggle = (label: string) =>
    setHidden((before) => {
      const next = new Set(before);
      if (!next.delete(label)) next.add(label);
      return next;
    });
  return (
    <div className="stack tight">
      <ChartFrame label={props.title} x={UNIT} y={UNIT} xLabel={props.xLabel} yLabel={props.yLabel}>
        {(scales) => (
          <>
            {props.diagonal && (
              <line
                className="diagonal"
                x1={scales.x(0)}
                y1={scales.y(0)}
                x2={scales.x(1)}
                y2={scales.y(1)}
              />
            )}
            {props.curves.map((curve, i) =>
              hidden.has(curve.label) ? null : (
                <path key={curve.label} className="curve" d={path(curve, scales)} stroke={seriesColor(i)}>
                  <title>{`${curve.label}: ${props.scoreName} ${formatNumber(curve.score)}`}</title>
                </path>
              ),
            )}
          </>
        )}
      </ChartFrame>
      <div className="legend">
        {props.curves.map((curve, i) => (
          <button
            key={curve.label}
            type="button"
            aria-pressed={!hidden.has(curve.label)}
            title={`${props.scoreName} ${curve.score ?? ""}`}
            onClick={() => toggle(curve.label)}
          >
            <span className="swatch" style={{ background: seriesColor(i) }} />
            {curve.label} <span className="faint">{formatNumber(curve.score)}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
