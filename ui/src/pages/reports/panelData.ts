/** What panels ask the hub for: the same requests for the page, which stays live, and for the file. */

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client } from "~/api/client";
import { keys, seriesQuery } from "~/api/queries";
import type { RunFound, SeriesReply } from "~/api/types";
import { analysisData } from "~/model/analysisRows";
import { assignColors } from "~/model/colors";
import type { FigureSeries } from "~/model/figure";
import { ANALYSIS_RUNS_MAX, type AnalysisPanel, type ChartsPanel, type RunsPanel } from "~/model/report";
import { byIds } from "~/model/request";
import type { FigureRun } from "./figures/ChartFigure";

/** Points of a curve at most: two for each point of the drawing's width, and more for print. */
const FIGURE_POINTS = 1200;

/** Runs that are there, in the order of the panel, with the colours they have in this report. */
export function presentRuns(
  ids: readonly string[],
  found: readonly RunFound[],
): { runs: FigureRun[]; gone: string[] } {
  const names = new Map(found.map((run) => [run.id, run.name]));
  const colors = assignColors(ids);
  return {
    runs: ids.flatMap((id) => {
      const name = names.get(id);
      return name === undefined ? [] : [{ id, name, color: colors.get(id) ?? 0 }];
    }),
    gone: ids.filter((id) => !names.has(id)),
  };
}

/** One request for each metric. */
export function chartQueries(panel: ChartsPanel, runs: readonly FigureRun[]) {
  return panel.metrics.map((metric) =>
    seriesQuery({
      runs: runs.map((run) => run.id),
      metric,
      axis: panel.axis,
      range: undefined,
      points: FIGURE_POINTS,
    }),
  );
}

/** Answers by metric, in the order of the requests. */
export function seriesByMetric(
  panel: ChartsPanel,
  answers: readonly (SeriesReply | undefined)[],
): Map<string, readonly FigureSeries[]> {
  return new Map(
    panel.metrics.map((metric, i) => [metric, (answers[i]?.series ?? []) as unknown as FigureSeries[]]),
  );
}

/** The runs of an analysis with all their columns, listed or found. */
export function analysisPanelQuery(panel: AnalysisPanel) {
  const listed = panel.source === "runs";
  const body = {
    query: listed ? byIds(panel.runs) : panel.query,
    project: listed ? null : (panel.project ?? null),
    limit: listed ? Math.max(1, panel.runs.length) : ANALYSIS_RUNS_MAX,
  };
  return queryOptions({
    queryKey: [...keys.runs, "report-analysis", body] as const,
    queryFn: ({ signal }) => client.runSearch(body, signal),
    enabled: !listed || panel.runs.length > 0,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

/** Rows and columns of an analysis, those listed in their order, and what is to be told of them. */
export function analysisOf(panel: AnalysisPanel, found: readonly RunFound[], total: number) {
  const byId = new Map(found.map((run) => [run.id, run]));
  const listed = panel.source === "runs";
  const runs = listed ? panel.runs.flatMap((id) => byId.get(id) ?? []) : found;
  return {
    ...analysisData(runs),
    gone: listed ? panel.runs.filter((id) => !byId.has(id)) : [],
    left: listed ? 0 : Math.max(0, total - found.length),
  };
}

export function runsPanelQuery(panel: RunsPanel) {
  const body = {
    query: panel.query,
    project: panel.project ?? null,
    columns: panel.columns,
    order: panel.order,
    limit: panel.limit,
  };
  return queryOptions({
    queryKey: [...keys.runs, "report", body] as const,
    queryFn: ({ signal }) => client.runSearch(body, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
}
