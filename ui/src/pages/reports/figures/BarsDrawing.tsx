/** Bars or dots with intervals, one row for each run or seed group. */

import { type BarsFigure, FRAME } from "~/model/analysisFigure";
import type { BarsState } from "~/model/analysisState";
import type { Bar } from "~/model/bars";
import { seriesColor } from "~/model/colors";
import { formatFixed, formatNumber } from "~/model/format";

const ROW = 22;
const TOP = 26;
const LEFT = 190;
const RIGHT = 76;
const NAME_MAX = 28;

type Place = (value: number) => number;

function intervalText(bar: Bar): string {
  if (bar.low === undefined || bar.high === undefined) return "";
  return `, interval ${formatNumber(bar.low)} to ${formatNumber(bar.high)}`;
}

function Row({ bar, y, x, mark }: { bar: Bar; y: number; x: Place; mark: BarsState["mark"] }) {
  const color = seriesColor(bar.color);
  const [from, to] = [Math.min(x(0), x(bar.value)), Math.max(x(0), x(bar.value))];
  const name = bar.name.length > NAME_MAX ? `${bar.name.slice(0, NAME_MAX - 1)}…` : bar.name;
  return (
    <g>
      <title>{`${bar.name}: ${formatNumber(bar.value)}${intervalText(bar)}, n ${bar.n}`}</title>
      <text x={LEFT - 10} y={y + 4} textAnchor="end">
        {name}
      </text>
      {mark === "bars" && (
        <rect x={from} width={to - from} y={y - 6} height={12} fill={color} opacity={0.75} />
      )}
      {bar.low !== undefined && bar.high !== undefined && (
        <path
          className="whisker"
          d={`M${x(bar.low)} ${y - 4}V${y + 4}M${x(bar.low)} ${y}H${x(bar.high)}M${x(bar.high)} ${y - 4}V${y + 4}`}
          stroke={mark === "bars" ? "var(--text)" : color}
        />
      )}
      {bar.values.map((value, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: equal values are told apart by nothing else
        <circle key={i} className="seed" cx={x(value)} cy={y} r={2.2} />
      ))}
      {mark === "dots" && <circle className="dot" cx={x(bar.value)} cy={y} r={5} fill={color} />}
      <text x={FRAME.width - 8} y={y + 4} textAnchor="end">
        {formatFixed(bar.value)}
      </text>
    </g>
  );
}

export function BarsDrawing({ figure, mark }: { figure: BarsFigure; mark: BarsState["mark"] }) {
  const { bars, domain, label } = figure;
  const height = TOP + bars.length * ROW + 30;
  const foot = height - 30;
  const width = FRAME.width - LEFT - RIGHT;
  const x = (value: number) => LEFT + ((value - domain[0]) / (domain[1] - domain[0])) * width;
  return (
    <svg
      className="svg-chart report-wide"
      viewBox={`0 0 ${FRAME.width} ${height}`}
      role="img"
      aria-label={`${label} of ${bars.length} rows`}
    >
      <text className="name" x={LEFT + width / 2} y={14} textAnchor="middle">
        {label}
      </text>
      {figure.ticks.map((value) => (
        <g key={value}>
          <line className="grid" x1={x(value)} x2={x(value)} y1={TOP - 4} y2={foot} />
          <text x={x(value)} y={foot + 16} textAnchor="middle">
            {formatNumber(value, 3)}
          </text>
        </g>
      ))}
      {bars.map((bar, i) => (
        <Row key={bar.key} bar={bar} y={TOP + i * ROW + ROW / 2} x={x} mark={mark} />
      ))}
    </svg>
  );
}
