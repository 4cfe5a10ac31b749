/** Series of charts: fetched in bounded batches, and grown by what was logged since. */

import { keepPreviousData, type Query, type QueryClient, queryOptions } from "@tanstack/react-query";
import { appended, resumeStep } from "~/model/increments";
import type { RawSeries, XAxis } from "~/model/series";
import { turns } from "~/model/turns";
import { send } from "./http";
import { packedSeries } from "./packedSeries";

/** The hub's own bounds: series in one query, and points of all of them. */
const SERIES_PER_QUERY_MAX = 1000;
const SERIES_QUERY_POINTS_MAX = 4_000_000;

export interface ChartSeriesRequest {
  runs: readonly string[];
  metrics: readonly string[];
  axis: XAxis;
  /** On the axis, both ends included. */
  range: readonly [number, number] | undefined;
  /** Points per series at most. */
  points: number;
}

const ROOT = "chart-series";

/** Charts asked for at once: all at once, and the first would be there no earlier than the last. */
const inTurn = turns(2);

/** As many runs at once as the hub's bounds allow. */
function batches(request: ChartSeriesRequest): string[][] {
  const perRun = Math.max(1, request.metrics.length);
  const size = Math.max(
    1,
    Math.min(
      Math.floor(SERIES_PER_QUERY_MAX / perRun),
      Math.floor(SERIES_QUERY_POINTS_MAX / (perRun * request.points)),
    ),
  );
  const list: string[][] = [];
  for (let at = 0; at < request.runs.length; at += size) list.push(request.runs.slice(at, at + size));
  return list;
}

async function fetchSeries(request: ChartSeriesRequest, signal: AbortSignal): Promise<RawSeries[]> {
  const answers = await Promise.all(
    batches(request).map((runs) =>
      inTurn(
        () =>
          packedSeries(
            {
              runs,
              metrics: [...request.metrics],
              axis: request.axis,
              from: request.range?.[0] ?? null,
              to: request.range?.[1] ?? null,
              reduction: "envelope",
              max_points: request.points,
            },
            signal,
          ),
        signal,
      ),
    ),
  );
  return answers.flat();
}

export const chartSeriesQuery = (request: ChartSeriesRequest) =>
  queryOptions({
    queryKey: [ROOT, request] as const,
    queryFn: ({ signal }) => fetchSeries(request, signal),
    // Events grow it; nothing else makes it stale.
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
    // Two hundred runs are some megabytes: comparing an answer to the one before costs more than drawing it.
    structuralSharing: false,
  });

function requestOf(query: Query): ChartSeriesRequest {
  return query.queryKey[1] as ChartSeriesRequest;
}

/** Within the range, for what was appended to a chart that is zoomed in. */
function inRange(series: RawSeries, { axis, range }: ChartSeriesRequest): RawSeries {
  if (!range) return series;
  const origin = axis === "relative" ? (series.origin_ms ?? 0) : 0;
  const place = axis === "step" ? series.steps : series.times_ms;
  const isInside = (_: number, i: number) => {
    const at = (place[i] as number) - origin;
    return at >= range[0] && at <= range[1];
  };
  const steps = series.steps.filter(isInside);
  return {
    ...series,
    steps,
    times_ms: series.times_ms.filter(isInside),
    values: series.values.filter(isInside),
    total: steps.length,
  };
}

/** Asks for what came after the last step held of the changed runs, and appends it. */
async function grow(queries: QueryClient, query: Query, changed: ReadonlySet<string>): Promise<void> {
  const request = requestOf(query);
  const held = query.state.data as RawSeries[] | undefined;
  const anew = () => queries.invalidateQueries({ queryKey: query.queryKey, exact: true });
  const from = held && resumeStep(held, changed, request.metrics);
  if (!held || from === undefined) return anew();
  const { axis, range } = request;
  if (axis === "step" && range && from >= range[1]) return;
  try {
    const reply = await packedSeries({
      runs: [...changed],
      metrics: [...request.metrics],
      axis: "step",
      from,
      to: axis === "step" && range ? range[1] : null,
      reduction: "envelope",
      max_points: request.points,
    });
    // Another answer may have come meanwhile; it is newer than what this was based on.
    if (query.state.data !== held) return;
    const more = reply.map((series) => inRange(series, request));
    const next = appended(held, more, request.runs, request.metrics, request.points);
    if (next) queries.setQueryData(query.queryKey, next);
    else await anew();
  } catch {
    await anew(); // The chart itself then shows what is wrong.
  }
}

const growing = new Map<string, { again: Set<string> }>();

/** One growth at a time for each chart; what changes meanwhile follows it. */
async function growInTurn(queries: QueryClient, query: Query, changed: ReadonlySet<string>): Promise<void> {
  const under = growing.get(query.queryHash);
  if (under) {
    for (const run of changed) under.again.add(run);
    return;
  }
  const turn = { again: new Set<string>() };
  growing.set(query.queryHash, turn);
  try {
    await grow(queries, query, changed);
  } finally {
    growing.delete(query.queryHash);
  }
  if (turn.again.size > 0) await growInTurn(queries, query, turn.again);
}

/** Grows the charts on screen that show any of these runs; others are fetched when they are seen again. */
export function growCharts(queries: QueryClient, runs: ReadonlySet<string>): void {
  for (const query of queries.getQueryCache().findAll({ queryKey: [ROOT] })) {
    const changed = new Set(requestOf(query).runs.filter((run) => runs.has(run)));
    if (changed.size === 0) continue;
    if (query.isActive() && query.state.fetchStatus === "idle") void growInTurn(queries, query, changed);
    else void queries.invalidateQueries({ queryKey: query.queryKey, exact: true });
  }
}

/** A run in another state may have another history: of a new attempt, or without what was superseded. */
export function refetchCharts(queries: QueryClient, run: string): void {
  void queries.invalidateQueries({
    queryKey: [ROOT],
    predicate: (query) => requestOf(query).runs.includes(run),
  });
}

/** Every point logged, as CSV. */
export async function historyCsv(runs: readonly string[], metric: string): Promise<Blob> {
  const response = await send("/series/history", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ runs, metrics: [metric], format: "csv" }),
  });
  return response.blob();
}
