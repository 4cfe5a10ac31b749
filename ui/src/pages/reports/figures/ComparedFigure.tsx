/** A comparison's table: metrics, or the config values that differ; what a reader must know comes first. */

import type { Comparison } from "~/api/types";
import { readTests } from "~/model/compareTests";
import type { ConfigPanel, MetricsPanel } from "~/model/report";
import { configPanelTable, metricsPanelTable } from "~/model/reportTables";
import { TableFigure } from "./TableFigure";

export function ComparedFigure(props: { panel: MetricsPanel | ConfigPanel; comparison: Comparison }) {
  const { panel, comparison } = props;
  const tests = readTests((comparison as { tests?: unknown }).tests);
  return (
    <>
      {comparison.warnings.map((warning) => (
        <p key={warning} className="report-gone small">
          {warning}
        </p>
      ))}
      {panel.kind === "config" ? (
        <TableFigure label="Config differences" content={configPanelTable(panel, comparison)} />
      ) : (
        <TableFigure label="Metrics" content={metricsPanelTable(panel, comparison, tests)} />
      )}
    </>
  );
}
