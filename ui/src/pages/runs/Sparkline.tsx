/** The small curve of a metric in a cell. */

import { memo } from "react";
import type { SeriesView } from "~/api/types";
import { seriesColor } from "~/model/colors";
import { formatNumber } from "~/model/format";
import { toFloat } from "~/model/number";
import { SPARK_HEIGHT, SPARK_WIDTH, sparkline, sparkText } from "~/model/sparkline";

export const Sparkline = memo(function Sparkline(props: {
  series: SeriesView | undefined;
  color: number;
  name: string;
}) {
  const { series, color, name } = props;
  const size = { width: SPARK_WIDTH, height: SPARK_HEIGHT };
  if (!series || series.steps.length < 2) return <span className="spark" style={size} />;
  const values = series.values.map(toFloat);
  const { path, end, missing } = sparkline(series.steps, values);
  const words = `${name} ${sparkText(values, (value) => formatNumber(value, 4))}${missing > 0 ? "; some values are no finite numbers" : ""}`;
  return (
    <svg
      className="spark"
      {...size}
      viewBox={`0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`}
      role="img"
      aria-label={words}
      style={{ color: seriesColor(color) }}
    >
      <title>{words}</title>
      <path d={path} />
      {end && <circle cx={end.x} cy={end.y} r={1.8} />}
    </svg>
  );
});
