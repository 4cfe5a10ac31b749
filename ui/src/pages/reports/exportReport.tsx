/** Writes a report as one HTML file: the data read now, drawings as SVG, and no script. */

import type { QueryClient } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { presentQuery } from "~/api/documents";
import { compareQuery, evaluationQuery, evaluationsQuery, infoQuery } from "~/api/queries";
import { readCurves } from "~/model/curves";
import { formatTime } from "~/model/format";
import { type EvaluatedRun, splitsOf } from "~/model/overlay";
import type { EvaluationPanel, ReportBlock, ReportPanel } from "~/model/report";
import { fileStyle, type Rule, reportFile } from "~/model/reportFile";
import { runsPanelTable } from "~/model/reportTables";
import { AnalysisContent } from "./figures/AnalysisContent";
import type { FigureRun } from "./figures/ChartFigure";
import { ChartsFigure } from "./figures/ChartsFigure";
import { ComparedFigure } from "./figures/ComparedFigure";
import { EvaluationFigure } from "./figures/EvaluationFigure";
import { Gone } from "./figures/Gone";
import { Markdown } from "./figures/Markdown";
import { TableFigure } from "./figures/TableFigure";
import {
  analysisOf,
  analysisPanelQuery,
  chartQueries,
  presentRuns,
  runsPanelQuery,
  seriesByMetric,
} from "./panelData";

/** Read at the moment of writing: nothing older than this is taken. */
const NOW = { staleTime: 0 };

async function evaluated(
  queries: QueryClient,
  panel: EvaluationPanel,
  runs: readonly FigureRun[],
): Promise<{ runs: EvaluatedRun[]; split: string | undefined }> {
  const lists = await Promise.all(
    runs.map((run) => queries.fetchQuery({ ...evaluationsQuery(run.id), ...NOW })),
  );
  const splits = splitsOf(lists.map((list) => list.evaluations));
  const split = splits.find((one) => one === panel.split) ?? splits[0];
  const found = await Promise.all(
    runs.map(async (run, i): Promise<EvaluatedRun> => {
      const done = lists[i]?.evaluations.find((one) => one.split === split && one.state === "done");
      if (!done) return { ...run, curves: undefined };
      const body = await queries.fetchQuery({ ...evaluationQuery(done.id, done.state), ...NOW });
      return { ...run, curves: readCurves(body.curves) };
    }),
  );
  return { runs: found, split };
}

async function figure(
  queries: QueryClient,
  panel: Exclude<ReportPanel, { kind: "runs" | "analysis" }>,
  runs: readonly FigureRun[],
): Promise<ReactElement> {
  switch (panel.kind) {
    case "charts": {
      const answers = await Promise.all(
        chartQueries(panel, runs).map((query) => queries.fetchQuery({ ...query, ...NOW })),
      );
      return <ChartsFigure panel={panel} runs={runs} series={seriesByMetric(panel, answers)} />;
    }
    case "evaluation": {
      const found = await evaluated(queries, panel, runs);
      if (found.split === undefined) return <p className="muted">None of these runs was evaluated.</p>;
      return (
        <EvaluationFigure runs={found.runs} chart={panel.chart} label={panel.label} split={found.split} />
      );
    }
    default: {
      const comparison = await queries.fetchQuery({ ...compareQuery(runs.map((run) => run.id)), ...NOW });
      return <ComparedFigure panel={panel} comparison={comparison} />;
    }
  }
}

async function panelElement(queries: QueryClient, panel: ReportPanel): Promise<ReactElement> {
  if (panel.kind === "runs") {
    const found = await queries.fetchQuery({ ...runsPanelQuery(panel), ...NOW });
    return <TableFigure label="Runs found" content={runsPanelTable(panel, found.runs, found.total ?? 0)} />;
  }
  if (panel.kind === "analysis" && (panel.source === "query" || panel.runs.length > 0)) {
    const found = await queries.fetchQuery({ ...analysisPanelQuery(panel), ...NOW });
    return <AnalysisContent content={analysisOf(panel, found.runs, found.total ?? 0)} state={panel.state} />;
  }
  if (panel.kind === "analysis" || panel.runs.length === 0)
    return <p className="muted">No run was chosen for this panel.</p>;
  const present = await queries.fetchQuery({ ...presentQuery(panel.runs), ...NOW });
  const { runs, gone } = presentRuns(panel.runs, present.runs);
  return (
    <>
      <Gone ids={gone} />
      {runs.length > 0 && (await figure(queries, panel, runs))}
    </>
  );
}

/** A panel that cannot be read is told in its place; the rest of the report is written. */
async function blockElement(queries: QueryClient, block: ReportBlock): Promise<ReactElement> {
  if (block.type === "markdown") return <Markdown text={block.text} />;
  if (block.type === "unknown") {
    return <p className="report-gone small">A block of a kind this version of the hub does not know.</p>;
  }
  try {
    return <section className="report-panel">{await panelElement(queries, block.panel)}</section>;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return (
      <p className="report-gone small">This panel could not be read when the file was written: {message}</p>
    );
  }
}

/** Rules of the page's own style sheets. */
function pageRules(): Rule[] {
  return [...document.styleSheets].flatMap((sheet) =>
    [...sheet.cssRules].flatMap((rule) =>
      rule instanceof CSSStyleRule ? [{ selector: rule.selectorText, declarations: rule.style.cssText }] : [],
    ),
  );
}

export async function exportReport(
  queries: QueryClient,
  report: { name: string; blocks: readonly ReportBlock[] },
): Promise<string> {
  const info = await queries.fetchQuery(infoQuery());
  const blocks: ReactElement[] = [];
  // One after the other: a report of many panels must not ask for all of them at once.
  for (const block of report.blocks) blocks.push(await blockElement(queries, block));
  const body = renderToStaticMarkup(
    <article className="report-body">
      <header className="report-title">
        <h1>{report.name}</h1>
        <p className="muted small">
          Written {formatTime(Date.now())} from the hub on {info.host}, version {info.version}. The numbers
          are those of that moment.
        </p>
      </header>
      {blocks.map((block, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: written once, nothing changes places
        <div key={i} className="report-block">
          {block}
        </div>
      ))}
    </article>,
  );
  return reportFile({ title: report.name, style: fileStyle(pageRules()), body });
}
