/** A panel that follows the hub: its requests become stale as those of any page do. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { presentQuery } from "~/api/documents";
import { compareQuery } from "~/api/queries";
import { ErrorNotice, Loading } from "~/components/parts";
import type {
  AnalysisPanel,
  ChartsPanel,
  ConfigPanel,
  EvaluationPanel,
  MetricsPanel,
  ReportPanel,
  RunsPanel,
} from "~/model/report";
import { runsPanelTable } from "~/model/reportTables";
import { useEvaluations } from "~/pages/compare/useEvaluations";
import { AnalysisContent } from "./figures/AnalysisContent";
import type { FigureRun } from "./figures/ChartFigure";
import { ChartsFigure } from "./figures/ChartsFigure";
import { ComparedFigure } from "./figures/ComparedFigure";
import { EvaluationFigure } from "./figures/EvaluationFigure";
import { Gone } from "./figures/Gone";
import { TableFigure } from "./figures/TableFigure";
import {
  analysisOf,
  analysisPanelQuery,
  chartQueries,
  presentRuns,
  runsPanelQuery,
  seriesByMetric,
} from "./panelData";

export function LivePanel({ panel }: { panel: ReportPanel }) {
  if (panel.kind === "runs") return <Runs panel={panel} />;
  return panel.kind === "analysis" ? <Analysis panel={panel} /> : <OfRuns panel={panel} />;
}

function Runs({ panel }: { panel: RunsPanel }) {
  const query = useQuery(runsPanelQuery(panel));
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) return <Loading lines={3} />;
  return (
    <TableFigure
      label="Runs found"
      content={runsPanelTable(panel, query.data.runs, query.data.total ?? query.data.runs.length)}
    />
  );
}

function Analysis({ panel }: { panel: AnalysisPanel }) {
  const query = useQuery(analysisPanelQuery(panel));
  const content = useMemo(
    () => query.data && analysisOf(panel, query.data.runs, query.data.total ?? 0),
    [panel, query.data],
  );
  if (panel.source === "runs" && panel.runs.length === 0) {
    return <p className="muted">No run is chosen for this panel.</p>;
  }
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  return content ? <AnalysisContent content={content} state={panel.state} /> : <Loading lines={4} />;
}

function OfRuns({ panel }: { panel: Exclude<ReportPanel, RunsPanel | AnalysisPanel> }) {
  const query = useQuery(presentQuery(panel.runs));
  const { runs, gone } = useMemo(
    () => presentRuns(panel.runs, query.data?.runs ?? []),
    [panel.runs, query.data],
  );
  if (panel.runs.length === 0) return <p className="muted">No run is chosen for this panel.</p>;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) return <Loading lines={3} />;
  return (
    <>
      <Gone ids={gone} />
      {runs.length > 0 && panel.kind === "charts" && <Charts panel={panel} runs={runs} />}
      {runs.length > 0 && panel.kind === "evaluation" && <Evaluation panel={panel} runs={runs} />}
      {runs.length > 0 && (panel.kind === "metrics" || panel.kind === "config") && (
        <Compared panel={panel} runs={runs} />
      )}
    </>
  );
}

function Charts({ panel, runs }: { panel: ChartsPanel; runs: readonly FigureRun[] }) {
  const answers = useQueries({ queries: chartQueries(panel, runs) });
  const failed = answers.find((answer) => answer.isError);
  if (failed) return <ErrorNotice error={failed.error} retry={() => void failed.refetch()} />;
  if (answers.some((answer) => answer.isPending)) return <Loading lines={4} />;
  const series = seriesByMetric(
    panel,
    answers.map((answer) => answer.data),
  );
  return <ChartsFigure panel={panel} runs={runs} series={series} />;
}

function Evaluation({ panel, runs }: { panel: EvaluationPanel; runs: readonly FigureRun[] }) {
  const colors = useMemo(() => new Map(runs.map((run) => [run.id, run.color])), [runs]);
  const { pending, error, split, runs: evaluated } = useEvaluations(runs, colors, panel.split);
  if (error) return <ErrorNotice error={error} />;
  if (pending) return <Loading lines={4} />;
  if (split === undefined) return <p className="muted">None of these runs was evaluated.</p>;
  return <EvaluationFigure runs={evaluated} chart={panel.chart} label={panel.label} split={split} />;
}

function Compared({ panel, runs }: { panel: MetricsPanel | ConfigPanel; runs: readonly FigureRun[] }) {
  const query = useQuery(compareQuery(runs.map((run) => run.id)));
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) return <Loading lines={4} />;
  return <ComparedFigure panel={panel} comparison={query.data} />;
}
