/** What panels ask the hub for: the same requests for the page, which stays live, and for the file. */

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client } from "~/api/client";
import { keys, seriesQuery } from "~/api/queries";
import type { RunFound, SeriesReply } from "~/api/types";
import { assignColors } from "~/model/colors";
import type { FigureSeries } from "~/model/figure";
import type { ChartsPanel, RunsPanel } from "~/model/report";
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
