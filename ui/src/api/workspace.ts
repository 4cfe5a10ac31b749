/** What only the runs page asks for: names of fields, small curves, tags of many runs, saved views. */

import { keepPreviousData, type QueryClient, queryOptions } from "@tanstack/react-query";
import type { RunsRequest } from "~/model/request";
import { byIds } from "~/model/request";
import { BLOCK_ROWS } from "~/model/rows";
import { SPARK_POINTS } from "~/model/sparkline";
import type { ViewBody, ViewDocument, ViewLine } from "~/model/views";
import { client } from "./client";
import { get, post, query, send } from "./http";
import { keys, runsBlockQuery } from "./queries";
import type { FieldList, RunFound, RunSummary } from "./types";

const enc = encodeURIComponent;

/** Names offered at once; more are found by typing. */
export const FIELDS_MAX = 200;
/** Curves of runs that train are fetched again this often. */
const CURVES_REFRESH_MS = 10_000;
/** Runs picked at most by "select all"; ids alone are fetched, this many at once. */
export const PICKED_MAX = 10_000;
const PICKED_TOGETHER = 1000;

/** Names over all runs of a project, the most frequent first. */
export const fieldsQuery = (project: string | undefined, prefix: string) =>
  queryOptions({
    queryKey: ["fields", project ?? "", prefix] as const,
    queryFn: ({ signal }) =>
      get<FieldList>(`/fields${query({ project, prefix, limit: FIELDS_MAX })}`, signal),
    placeholderData: keepPreviousData,
  });

/** Which of these runs have a value of these operands. */
export const loggedQuery = (ids: readonly string[], operands: readonly string[]) =>
  queryOptions({
    queryKey: [...keys.runs, "logged", ids, operands] as const,
    queryFn: ({ signal }) =>
      client.runSearch({ query: byIds(ids), columns: [...operands], limit: ids.length }, signal),
    placeholderData: keepPreviousData,
  });

/** A few points of some metrics of the runs on screen, in one request. */
export const curvesQuery = (runs: readonly string[], metrics: readonly string[], training: boolean) =>
  queryOptions({
    queryKey: ["curves", runs, metrics] as const,
    queryFn: ({ signal }) =>
      client.series(
        { runs: [...runs], metrics: [...metrics], reduction: "envelope", max_points: SPARK_POINTS },
        signal,
      ),
    enabled: runs.length > 0 && metrics.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: training ? CURVES_REFRESH_MS : false,
    placeholderData: keepPreviousData,
  });

/** Runs wherever they stand in the answer. */
export const runsByIdsQuery = (ids: readonly string[]) =>
  queryOptions({
    queryKey: [...keys.runs, "ids", ids] as const,
    queryFn: ({ signal }) =>
      client.runSearch({ query: byIds(ids), columns: [], limit: Math.max(1, ids.length) }, signal),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  });

/** How many runs a query finds. */
export const countQuery = (request: Pick<RunsRequest, "query" | "project" | "experiment" | "states">) =>
  queryOptions({
    queryKey: [...keys.runs, "count", request] as const,
    queryFn: ({ signal }) => client.runSearch({ ...request, columns: [], limit: 1 }, signal),
    placeholderData: keepPreviousData,
  });

/** The rows of a stretch of the answer; what is held already is not fetched again. */
export async function rowsBetween(
  queries: QueryClient,
  request: RunsRequest,
  first: number,
  end: number,
): Promise<RunFound[]> {
  const from = Math.floor(first / BLOCK_ROWS) * BLOCK_ROWS;
  const rows: RunFound[] = [];
  for (let offset = from; offset < end; offset += BLOCK_ROWS) {
    rows.push(...(await queries.ensureQueryData(runsBlockQuery(request, offset))).runs);
  }
  return rows.slice(first - from, end - from);
}

/** All runs that a request finds, up to a bound. */
export async function rowsMatching(request: RunsRequest): Promise<{ runs: RunFound[]; total: number }> {
  const { query, project, experiment, states } = request;
  const runs: RunFound[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page: Awaited<ReturnType<typeof client.runSearch>> = await client.runSearch({
      query,
      project,
      experiment,
      states,
      columns: [],
      limit: PICKED_TOGETHER,
      cursor,
    });
    runs.push(...page.runs);
    cursor = page.next_cursor ?? null;
    if (!cursor || runs.length >= PICKED_MAX) {
      return { runs: runs.slice(0, PICKED_MAX), total: page.total };
    }
  }
}

const JSON_HEADERS = { "content-type": "application/json", accept: "application/json" };

/** Sets tags (text) and removes tags (null) of one run. */
export async function runTags(run: string, tags: Record<string, string | null>): Promise<RunSummary> {
  const init = { method: "PATCH", headers: JSON_HEADERS, body: JSON.stringify({ tags }) };
  return (await (await send(`/runs/${enc(run)}`, init)).json()) as RunSummary;
}

const viewKey = ["views"] as const;

/** Saved views of a project; without one, of the page of all runs and of every project. */
export const viewsQuery = (project: string | undefined) =>
  queryOptions({
    queryKey: [...viewKey, "list", project ?? ""] as const,
    queryFn: ({ signal }) =>
      get<{ documents: ViewLine[] }>(`/documents${query({ kind: "view", project })}`, signal),
  });

export const viewQuery = (id: string) =>
  queryOptions({
    queryKey: [...viewKey, "one", id] as const,
    queryFn: ({ signal }) => get<ViewDocument>(`/documents/${enc(id)}`, signal),
    retry: false,
  });

export const views = {
  create: (project: string | undefined, name: string, body: ViewBody) =>
    post<ViewDocument>("/documents", { kind: "view", project: project ?? null, name, body }),
  update: async (id: string, change: { name: string; body: unknown; revision: number }) => {
    const init = { method: "PUT", headers: JSON_HEADERS, body: JSON.stringify(change) };
    return (await (await send(`/documents/${enc(id)}`, init)).json()) as ViewDocument;
  },
  remove: async (id: string) => void (await send(`/documents/${enc(id)}`, { method: "DELETE" })),
  /** What is cached of views is no longer so. */
  stale: (queries: QueryClient) => queries.invalidateQueries({ queryKey: viewKey }),
  /** One is gone: the lists are fetched again, and it is not. */
  gone: (queries: QueryClient) => queries.invalidateQueries({ queryKey: [...viewKey, "list"] }),
};
