/** Metrics by runs: value, interval on an axis of the row, and the difference to the baseline. */

import type { MetricRow } from "~/api/types";
import { Interval } from "~/components/Interval";
import { deltaOf, metricKey } from "~/model/compareMetrics";
import { improves, signed } from "~/model/compareTests";
import { formatFixed, fullNumber } from "~/model/format";
import { directionMark, directionText } from "~/model/metrics";
import { toFinite, toFloat } from "~/model/number";
import { padded } from "~/model/scale";
import { extent } from "~/model/statistics";
import { ColumnGrid, type GridRow } from "./ColumnGrid";
import { runColumns } from "./RunHead";
import type { PartProps } from "./useCompare";

const ROW_HEIGHT = 46;
const INTERVAL_ROW_HEIGHT = 64;

function domainOf(row: MetricRow): [number, number] {
  const ends = row.intervals.flatMap((interval) => [toFinite(interval?.low), toFinite(interval?.high)]);
  return padded(extent([...row.values.map(toFinite), ...ends]) ?? [0, 1], 0.08);
}

export function MetricName({ row }: { row: MetricRow }) {
  const about = row.definition ? `evaluated by the hub: ${row.definition}` : "last logged value";
  return (
    <span className="metric-name" title={`${row.name}, ${about}, ${directionText(row.direction)}`}>
      <span className="row">
        <span className="truncate">{row.name}</span>
        <span className="faint" aria-hidden="true">
          {directionMark(row.direction)}
        </span>
      </span>
      <span className="faint small truncate">{row.definition ?? "last logged"}</span>
    </span>
  );
}

function Delta({ row, column, baseline }: { row: MetricRow; column: number; baseline: number }) {
  if (column === baseline) return null;
  const delta = deltaOf(row, column, baseline);
  if (delta === undefined) return null;
  const better = improves(delta, row.direction);
  const word = better === undefined ? "" : better ? "better" : "worse";
  return (
    <span className={`delta small ${better === undefined ? "faint" : better ? "good-text" : "bad-text"}`}>
      {signed(delta)}
      {word && <span className="delta-word"> {word}</span>}
    </span>
  );
}

function cellOf(row: MetricRow, column: number, baseline: number, color: number) {
  const value = row.values[column];
  const interval = row.intervals[column];
  const best = row.best === column;
  return (
    <span className="metric-cell" title={fullNumber(value)}>
      <span className="row">
        <span className={best ? "best" : ""}>
          {formatFixed(value)}
          {best && <span aria-hidden="true"> ★</span>}
          {best && <span className="visually-hidden"> best single value</span>}
        </span>
        <Delta row={row} column={column} baseline={baseline} />
      </span>
      {interval && (
        <Interval
          value={toFloat(value)}
          low={toFinite(interval.low)}
          high={toFinite(interval.high)}
          domain={domainOf(row)}
          color={color}
        />
      )}
    </span>
  );
}

export function RunMetrics(props: PartProps & { rows: readonly MetricRow[] }) {
  const { comparison, rows, colors, baseline } = props;
  const { runs } = comparison;
  const height = rows.some((row) => row.intervals.some(Boolean)) ? INTERVAL_ROW_HEIGHT : ROW_HEIGHT;
  const lines = rows.map(
    (row): GridRow => ({
      key: metricKey(row),
      head: <MetricName row={row} />,
      cell: (column) => cellOf(row, column, baseline, colors.get(runs[column]?.id ?? "") ?? 0),
    }),
  );
  return (
    <>
      <ColumnGrid
        label="Metrics of the runs"
        corner="Metric"
        columns={runColumns(runs, colors, baseline)}
        rows={lines}
        rowHeight={height}
      />
      <p className="muted small">
        ★ best single value. Bars are 95 % intervals over the examples of the split. Single runs carry no
        verdict: seed groups do.
      </p>
    </>
  );
}
