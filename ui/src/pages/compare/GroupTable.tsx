/** Seed groups: mean and deviation over runs that differ only in their seed. */

import type { GroupSummary, MetricRow } from "~/api/types";
import { Panel, TableWrap } from "~/components/parts";
import { formatFixed, formatMeanStd, plural } from "~/model/format";
import { directionMark } from "~/model/metrics";
import { toFinite } from "~/model/number";

export function GroupTable({
  groups,
  metrics,
}: {
  groups: readonly GroupSummary[];
  metrics: readonly MetricRow[];
}) {
  if (!groups.some((group) => group.runs.length > 1)) return null;
  const evaluated = metrics.filter((row) => row.definition);
  const rows = (evaluated.length > 0 ? evaluated : metrics).filter((row) =>
    groups.some((g) => g.metrics[row.name]),
  );
  if (rows.length === 0) return null;
  return (
    <Panel title="Over seeds" aside={<span className="muted small">mean ± standard deviation</span>} flush>
      <TableWrap label="Metrics over seeds">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              {groups.map((group) => (
                <th key={group.group} scope="col" className="num">
                  {group.experiment}
                  {group.adapter ? ` · ${group.adapter}` : ""}{" "}
                  <span className="faint">{plural(group.runs.length, "seed")}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">
                  {row.name} <span className="faint">{directionMark(row.direction)}</span>
                </th>
                {groups.map((group) => {
                  const stats = group.metrics[row.name];
                  if (!stats) {
                    return (
                      <td key={group.group} className="num faint">
                        –
                      </td>
                    );
                  }
                  const range = stats.interval
                    ? `95 % interval of the mean ${formatFixed(stats.interval.low)} to ${formatFixed(stats.interval.high)}, `
                    : "";
                  return (
                    <td key={group.group} className="num" title={`${range}n = ${stats.n}`}>
                      {formatMeanStd(toFinite(stats.mean), toFinite(stats.std))}
                      {stats.n !== group.runs.length && <span className="faint small"> n={stats.n}</span>}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
    </Panel>
  );
}
