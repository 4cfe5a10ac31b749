/** Metrics of the compared runs, or of their seed groups with the tests that stand on the seeds. */

import { useMemo, useState } from "react";
import { Segments } from "~/components/parts";
import { type CompareSearch, METRIC_SORTS, type MetricSort } from "~/model/compare";
import { groupsTable, metricRows, runsCsv, runsTable } from "~/model/compareMetrics";
import { groupOf } from "~/model/compareSummary";
import { plural } from "~/model/format";
import { CopyMenu } from "./CopyMenu";
import { GroupMetrics } from "./GroupMetrics";
import { RunMetrics } from "./RunMetrics";
import type { PartProps } from "./useCompare";

const SORTS: Record<MetricSort, string> = {
  usual: "Well-known first",
  name: "Name",
  spread: "Largest spread",
  significance: "Smallest adjusted p",
};

/** The search with another order; the usual one needs no word in the link. */
function sorted(search: CompareSearch, sort: MetricSort): CompareSearch {
  const { sort: _, ...rest } = search;
  return sort === "usual" ? rest : { ...rest, sort };
}

function grouped(search: CompareSearch, by: "runs" | "groups"): CompareSearch {
  const { by: _, ...rest } = search;
  return by === "runs" ? rest : { ...rest, by };
}

export function MetricPart(props: PartProps) {
  const { comparison, tests, search, change } = props;
  const [find, setFind] = useState("");
  const sort = search.sort ?? "usual";
  const by = search.by ?? "runs";
  const rows = useMemo(
    () => metricRows(comparison.metrics, { find, sort, tests }),
    [comparison, find, sort, tests],
  );
  if (comparison.metrics.length === 0) return <p className="muted">None of these runs has a metric yet.</p>;
  const baselineGroup = groupOf(comparison, comparison.runs[props.baseline]?.id);
  const table = () =>
    by === "runs"
      ? runsTable(comparison.runs, rows)
      : groupsTable(comparison.groups, rows, tests, baselineGroup);
  const exact = () => (by === "runs" ? runsCsv(comparison.runs, rows) : table());
  return (
    <div className="stack tight">
      <div className="toolbar">
        <Segments
          label="Columns of the metric table"
          value={by}
          onChange={(next) => change((before) => grouped(before, next))}
          options={[
            ["runs", "Runs"],
            ["groups", "Seed groups"],
          ]}
        />
        <input
          data-search
          type="search"
          className="input search"
          placeholder={`Find among ${plural(comparison.metrics.length, "metric")}  ( / )`}
          aria-label="Find a metric"
          value={find}
          onChange={(event) => setFind(event.target.value)}
        />
        <label className="row small muted">
          Order
          <select
            className="select"
            value={sort}
            onChange={(event) => change((before) => sorted(before, event.target.value as MetricSort))}
          >
            {METRIC_SORTS.map((one) => (
              <option key={one} value={one}>
                {SORTS[one]}
              </option>
            ))}
          </select>
        </label>
        <span className="grow" />
        <CopyMenu label="Export the metrics" file="metrics.csv" table={table} exact={exact} />
      </div>
      {rows.length === 0 && <p className="muted">No metric is called like that.</p>}
      {rows.length > 0 && by === "runs" && <RunMetrics {...props} rows={rows} />}
      {rows.length > 0 && by === "groups" && (
        <GroupMetrics {...props} rows={rows} baselineGroup={baselineGroup} />
      )}
    </div>
  );
}
