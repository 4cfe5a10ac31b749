/** A value with its interval on a shared axis: the bar is the interval, the dot the value. */

import { seriesColor } from "~/model/colors";
import { formatNumber } from "~/model/format";
import { linear } from "~/model/scale";

export function Interval(props: {
  value: number | undefined;
  low: number | undefined;
  high: number | undefined;
  domain: readonly [number, number];
  color?: number;
  /** Marks where there is no difference. */
  zero?: boolean;
}) {
  const width = 120;
  const at = linear(props.domain, [5, width - 5]);
  const color = seriesColor(props.color ?? 0);
  if (props.value === undefined || !Number.isFinite(props.value)) return null;
  const hasBand = props.low !== undefined && props.high !== undefined;
  const text = hasBand
    ? `${formatNumber(props.value)}, interval ${formatNumber(props.low)} to ${formatNumber(props.high)}`
    : formatNumber(props.value);
  return (
    <svg
      className="interval"
      viewBox={`0 0 ${width} 18`}
      preserveAspectRatio="none"
      role="img"
      aria-label={text}
    >
      <title>{text}</title>
      <line className="axis" x1="0" x2={width} y1="9" y2="9" vectorEffect="non-scaling-stroke" />
      {props.zero && (
        <line className="zero" x1={at(0)} x2={at(0)} y1="1" y2="17" vectorEffect="non-scaling-stroke" />
      )}
      {props.low !== undefined && props.high !== undefined && (
        <line
          className="band"
          x1={at(props.low)}
          x2={at(props.high)}
          y1="9"
          y2="9"
          stroke={color}
          vectorEffect="non-scaling-stroke"
        />
      )}
      <line
        x1={at(props.value)}
        x2={at(props.value)}
        y1="3.5"
        y2="14.5"
        stroke={color}
        strokeWidth="2.5"
        strokeLinecap="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
