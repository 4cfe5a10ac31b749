/**
 * What the first page needs, asked for before it is there: the page's files and its first answers then come
 * together instead of one after the other. Whatever fails here is asked for again by the page, which says so.
 */

import type { QueryClient } from "@tanstack/react-query";
import { infoQuery, metricNamesQuery, projectsQuery, sampleQuery } from "./api/queries";

const RUNS_PAGE = /^\/(?:p\/([^/]+))?$/;

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** Begins with the runs page if that is where the address leads. */
export function beginEarly(queries: QueryClient, path: string): void {
  const found = RUNS_PAGE.exec(path);
  if (!found) return;
  const project = found[1] === undefined ? undefined : decoded(found[1]);
  for (const file of [import("./pages/runs/RunsPage"), import("./charts/workspace/ChartWorkspace")])
    file.catch(() => undefined);
  void queries.prefetchQuery(sampleQuery(project));
  void queries.prefetchQuery(projectsQuery());
  void queries.prefetchQuery(infoQuery());
  void queries.prefetchQuery(metricNamesQuery(project));
}
