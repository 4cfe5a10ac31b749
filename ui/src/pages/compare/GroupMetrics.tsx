/** Metrics by seed groups: mean and deviation, and each group's test against the baseline's. */

import type { GroupSummary, MetricRow } from "~/api/types";
import { groupNames, metricKey } from "~/model/compareMetrics";
import { type Against, against, formatP, signed, testText, verdictText } from "~/model/compareTests";
import { formatFixed, formatMeanStd, plural } from "~/model/format";
import { toFinite } from "~/model/number";
import { ColumnGrid, type GridRow } from "./ColumnGrid";
import { MetricName } from "./RunMetrics";
import type { PartProps } from "./useCompare";

const ROW_HEIGHT = 78;
const COLUMN_WIDTH = 220;

const TONES: Record<Against["verdict"], string> = {
  better: "good",
  worse: "bad",
  no_difference: "",
  no_verdict: "outline",
};

interface Props extends PartProps {
  rows: readonly MetricRow[];
  baselineGroup: string | undefined;
}

function Mean({ group, name }: { group: GroupSummary; name: string }) {
  const stats = group.metrics[name];
  if (!stats) return <span className="faint">–</span>;
  const range = stats.interval
    ? `95 % interval of the mean ${formatFixed(stats.interval.low)} to ${formatFixed(stats.interval.high)}, `
    : "";
  return (
    <span title={`${range}n = ${stats.n}`}>
      {formatMeanStd(toFinite(stats.mean), toFinite(stats.std))}
      <span className="faint small"> n = {stats.n}</span>
    </span>
  );
}

function Test({ test, note }: { test: Against; note: number | undefined }) {
  return (
    <span className="test-cell" title={test.reason ?? testText(test)}>
      <span className="row">
        <span className={`badge ${TONES[test.verdict]}`}>{verdictText(test.verdict)}</span>
        {note !== undefined && (
          <a className="link small" href={`#reason-${note}`} aria-label={`Reason ${note}`}>
            {note}
          </a>
        )}
        <span className="small nowrap">{test.difference !== undefined && signed(test.difference)}</span>
      </span>
      {test.pAdjusted !== undefined && (
        <span className="muted small truncate">
          p {formatP(test.pAdjusted)}
          {test.effect !== undefined && ` · g ${signed(test.effect, 2)}`}
          {test.interval && ` · ${signed(test.interval[0], 2)} to ${signed(test.interval[1], 2)}`}
        </span>
      )}
    </span>
  );
}

/** Reasons for no verdict, each once: numbered under the table. */
function reasonsOf({ comparison, rows, tests, baselineGroup }: Props): string[] {
  if (baselineGroup === undefined) return [];
  const found = new Set<string>();
  for (const row of rows) {
    for (const group of comparison.groups) {
      const reason = against(tests, row.name, group.group, baselineGroup)?.reason;
      if (reason) found.add(reason);
    }
  }
  return [...found];
}

function lineOf(props: Props, row: MetricRow, reasons: readonly string[]): GridRow {
  const { comparison, tests, baselineGroup } = props;
  return {
    key: metricKey(row),
    head: <MetricName row={row} />,
    cell: (column) => {
      const group = comparison.groups[column];
      if (!group) return null;
      const test =
        baselineGroup === undefined ? undefined : against(tests, row.name, group.group, baselineGroup);
      const at = test?.reason ? reasons.indexOf(test.reason) : -1;
      return (
        <span className="metric-cell">
          <Mean group={group} name={row.name} />
          {test && <Test test={test} note={at < 0 ? undefined : at + 1} />}
        </span>
      );
    },
  };
}

export function GroupMetrics(props: Props) {
  const { comparison, rows, tests, baselineGroup } = props;
  const { groups } = comparison;
  const names = groupNames(groups);
  const reasons = reasonsOf(props);
  return (
    <>
      <ColumnGrid
        label="Metrics over seeds"
        corner="Metric"
        columns={groups.map((group) => ({
          id: group.group,
          head: (
            <span className="run-head">
              <span className="truncate" title={names.get(group.group)}>
                {names.get(group.group)}
              </span>
              <span className="faint small">
                {plural(group.runs.length, "run")}
                {group.group === baselineGroup && " · baseline"}
              </span>
            </span>
          ),
        }))}
        rows={rows.map((row) => lineOf(props, row, reasons))}
        rowHeight={tests.length > 0 ? ROW_HEIGHT : ROW_HEIGHT / 2 + 8}
        columnWidth={COLUMN_WIDTH}
      />
      <p className="muted small">
        Mean ± standard deviation over runs that differ only in their seed.
        {tests.length > 0
          ? " Verdicts: Welch's t-test against the baseline's group, p corrected by Holm over all pairs and metrics, effect as Hedges' g."
          : groups.length < 2
            ? " A test needs a second group."
            : " This hub sent no tests."}
      </p>
      {reasons.length > 0 && (
        <ol className="reasons small">
          {reasons.map((reason, i) => (
            <li key={reason} id={`reason-${i + 1}`}>
              <span className="muted">{i + 1}</span> No verdict: {reason}.
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
