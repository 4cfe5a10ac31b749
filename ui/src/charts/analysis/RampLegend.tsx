/** What a colour of the ramp stands for: its ends in words, the sequence between them. */

import type { Axis } from "~/model/axis";
import { formatNumber } from "~/model/format";

export function RampLegend({ axis }: { axis: Axis }) {
  const [low, high] =
    axis.scale === "category"
      ? [axis.categories[0] ?? "", axis.categories[axis.categories.length - 1] ?? ""]
      : [formatNumber(axis.domain[0]), formatNumber(axis.domain[1])];
  return (
    <span className="ramp-legend small muted">
      <span className="truncate">{axis.column.label}</span>
      <span className="truncate">{low}</span>
      <span className="ramp" aria-hidden="true" />
      <span className="truncate">{high}</span>
    </span>
  );
}
