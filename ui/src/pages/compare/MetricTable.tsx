/** Metrics of the compared runs: value, interval on a shared axis, the best one marked. */

import type { MetricRow, RunSummary } from "~/api/types";
import { Interval } from "~/components/Interval";
import { Panel, Swatch, TableWrap } from "~/components/parts";
import { formatFixed, fullNumber, plural } from "~/model/format";
import { directionMark, directionText } from "~/model/metrics";
import { toFinite, toFloat } from "~/model/number";
import { padded } from "~/model/scale";
import { extent } from "~/model/statistics";

function domainOf(row: MetricRow): [number, number] {
  const ends = row.intervals.flatMap((interval) => [toFinite(interval?.low), toFinite(interval?.high)]);
  return padded(extent([...row.values.map(toFinite), ...ends]) ?? [0, 1], 0.08);
}

export function MetricTable(props: {
  runs: readonly RunSummary[];
  metrics: readonly MetricRow[];
  colors: ReadonlyMap<string, number>;
}) {
  const { runs, colors } = props;
  // Evaluated metrics share a definition over all runs, so they come first.
  const metrics = [...props.metrics].sort(
    (a, b) => Number(Boolean(b.definition)) - Number(Boolean(a.definition)),
  );
  if (metrics.length === 0) return null;
  return (
    <Panel title={plural(metrics.length, "metric")} flush>
      <TableWrap label="Metrics of the runs">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              {runs.map((run) => (
                <th key={run.id} scope="col" title={run.name}>
                  <span className="row">
                    <Swatch color={colors.get(run.id) ?? 0} />
                    <span className="truncate" style={{ maxWidth: 150 }}>
                      {run.name}
                    </span>
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {metrics.map((row) => {
              const domain = domainOf(row);
              return (
                <tr key={`${row.name}@${row.definition ?? ""}`}>
                  <th
                    scope="row"
                    title={
                      row.definition
                        ? `${row.definition}, ${directionText(row.direction)}`
                        : "last logged value"
                    }
                  >
                    {row.name} <span className="faint">{directionMark(row.direction)}</span>
                  </th>
                  {runs.map((run, i) => {
                    const value = row.values[i];
                    const interval = row.intervals[i];
                    const best = row.best === i;
                    return (
                      <td key={run.id} title={fullNumber(value)} style={{ minWidth: 120 }}>
                        <span className={best ? "best" : ""}>
                          {formatFixed(value)}
                          {best && <span className="visually-hidden"> best</span>}
                          {best && <span aria-hidden="true"> ★</span>}
                        </span>
                        {interval && (
                          <Interval
                            value={toFloat(value)}
                            low={toFinite(interval.low)}
                            high={toFinite(interval.high)}
                            domain={domain}
                            color={colors.get(run.id) ?? 0}
                          />
                        )}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableWrap>
    </Panel>
  );
}
