/** The small curves of the rows on screen: one request for a stretch of rows and all metrics shown. */

import { keepPreviousData, useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import type { SeriesReply, SeriesView } from "~/api/types";
import { curvesQuery } from "~/api/workspace";
import { curveMetric, type TableColumn } from "~/model/columns";
import { isActive } from "~/model/states";
import type { RunAnswer } from "./lines";

/** Rows whose curves are fetched together; stretches do not move with the scroll position. */
const STRETCH = 50;

export interface Curves {
  /** Whether cells of this column show a curve. */
  shows: (column: TableColumn) => boolean;
  of: (run: string, column: TableColumn) => SeriesView | undefined;
}

interface Stretch {
  runs: string[];
  training: boolean;
}

/** Stretches of the rows between two places. */
function stretches(answer: RunAnswer, first: number, end: number): Stretch[] {
  const found: Stretch[] = [];
  for (let at = Math.floor(first / STRETCH) * STRETCH; at < end; at += STRETCH) {
    const rows = Array.from({ length: STRETCH }, (_, i) => answer.runAt(at + i)).filter((run) => !!run);
    if (rows.length === 0) continue;
    found.push({
      // In the order of ids: rows that change places need no other curves.
      runs: rows.map((run) => run.id).sort(),
      training: rows.some((run) => isActive(run.state)),
    });
  }
  return found;
}

function seriesOf(answers: readonly { data?: SeriesReply | undefined }[]): SeriesView[] {
  return answers.flatMap((answer) => answer.data?.series ?? []);
}

export function useCurves(
  answer: RunAnswer,
  columns: readonly TableColumn[],
  rows: { first: number; end: number },
): Curves {
  const metrics = useMemo(
    () => [...new Set(columns.flatMap((column) => curveMetric(column) ?? []))].sort(),
    [columns],
  );
  const wanted = useMemo(
    () => (metrics.length > 0 && !answer.grouped ? stretches(answer, rows.first, rows.end) : []),
    [answer, metrics.length, rows.first, rows.end],
  );
  const found = useQueries({
    queries: wanted.map(({ runs, training }) => ({
      ...curvesQuery(runs, metrics, training),
      placeholderData: keepPreviousData,
    })),
    combine: seriesOf,
  });
  return useMemo(() => {
    const ids = new Set(columns.map((column) => column.id));
    const byName = new Map(found.map((one) => [`${one.run} ${one.metric}`, one]));
    return {
      shows: (column) => ids.has(column.id),
      of: (run, column) => byName.get(`${run} ${curveMetric(column) ?? ""}`),
    };
  }, [columns, found]);
}
