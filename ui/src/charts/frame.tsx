/** The frame of the small charts: size, grid, axes and their labels. */

import type { ReactNode } from "react";
import { formatNumber } from "~/model/format";
import { linear, ticks } from "~/model/scale";

export const CHART = { width: 400, height: 300, left: 46, right: 12, top: 12, bottom: 40 } as const;

export interface Scales {
  x: (value: number) => number;
  y: (value: number) => number;
}

export function chartScales(x: readonly [number, number], y: readonly [number, number]): Scales {
  return {
    x: linear(x, [CHART.left, CHART.width - CHART.right]),
    y: linear(y, [CHART.height - CHART.bottom, CHART.top]),
  };
}

export function ChartFrame(props: {
  label: string;
  x: readonly [number, number];
  y: readonly [number, number];
  xLabel: string;
  yLabel: string;
  /** Without the grid and values of y, where the content draws its own. */
  bare?: boolean;
  children: (scales: Scales) => ReactNode;
}) {
  const scales = chartScales(props.x, props.y);
  const bottom = CHART.height - CHART.bottom;
  const right = CHART.width - CHART.right;
  return (
    <svg
      className="svg-chart"
      viewBox={`0 0 ${CHART.width} ${CHART.height}`}
      role="img"
      aria-label={props.label}
    >
      {(props.bare ? [] : ticks(props.y, 5)).map((value) => (
        <g key={value}>
          <line className="grid" x1={CHART.left} x2={right} y1={scales.y(value)} y2={scales.y(value)} />
          <text x={CHART.left - 7} y={scales.y(value) + 4} textAnchor="end">
            {formatNumber(value, 3)}
          </text>
        </g>
      ))}
      {ticks(props.x, 5).map((value) => (
        <text key={value} x={scales.x(value)} y={bottom + 16} textAnchor="middle">
          {formatNumber(value, 3)}
        </text>
      ))}
      <text x={(CHART.left + right) / 2} y={CHART.height - 6} textAnchor="middle">
        {props.xLabel}
      </text>
      <text
        x={12}
        y={(CHART.top + bottom) / 2}
        textAnchor="middle"
        transform={`rotate(-90 12 ${(CHART.top + bottom) / 2})`}
      >
        {props.yLabel}
      </text>
      {props.children(scales)}
    </svg>
  );
}

/** A path through the points that can be drawn. */
export function linePath(points: readonly (readonly [number, number])[], scales: Scales): string {
  return points
    .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y))
    .map(([x, y], i) => `${i === 0 ? "M" : "L"}${scales.x(x).toFixed(2)} ${scales.y(y).toFixed(2)}`)
    .join("");
}

/** From corner to corner of the unit square: what guessing does. */
export function Diagonal({ scales }: { scales: Scales }) {
  return <line className="diagonal" x1={scales.x(0)} y1={scales.y(0)} x2={scales.x(1)} y2={scales.y(1)} />;
}
