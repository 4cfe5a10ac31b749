/** Live updates: one event stream per page, turned into stale marks on what it changed. */

import type { Query, QueryClient } from "@tanstack/react-query";
import { gather, type Pending, ROWS_REFRESHED_MAX, readRunEvent, touchesRow } from "~/model/changes";
import { byIds, movedByChanges, type RunsRequest } from "~/model/request";
import { growCharts, refetchCharts } from "./chartSeries";
import { client } from "./client";
import { API } from "./http";
import { keys } from "./queries";
import type { RunFound, RunSearchReply } from "./types";

export type Connection = "connecting" | "live" | "away";

const FLUSH_MS = 500;
const RETRY_MS = 3_000;

let connection: Connection = "connecting";
let silentSince: number | undefined;
let tryNow: (() => void) | undefined;
const listeners = new Set<() => void>();
const stateListeners = new Set<(runs: readonly string[]) => void>();

export function connectionState(): Connection {
  return connection;
}

export function onConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Since when the hub does not answer; undefined while it does. */
export function awaySince(): number | undefined {
  return silentSince;
}

/** Asks the hub at once instead of at the next try. */
export function reconnect(): void {
  tryNow?.();
}

/** Tells which runs changed their state, at most once per flush. */
export function onRunStates(listener: (runs: readonly string[]) => void): () => void {
  stateListeners.add(listener);
  return () => stateListeners.delete(listener);
}

function setConnection(next: Connection): void {
  if (next === connection) return;
  connection = next;
  silentSince = next === "away" ? Date.now() : undefined;
  for (const listener of listeners) listener();
}

/** Puts fresh rows into one block of a list; the ids it had. */
function patch(queries: QueryClient, query: Query, fresh: ReadonlyMap<string, RunFound>): Set<string> {
  const found = new Set<string>();
  queries.setQueryData<RunSearchReply>(query.queryKey, (data) => {
    if (!data) return data;
    const runs = data.runs.map((run) => {
      const next = fresh.get(run.id);
      if (next) found.add(run.id);
      return next ?? run;
    });
    return found.size > 0 ? { ...data, runs } : data;
  });
  return found;
}

/** The list a cached answer is of; undefined for groups and what is not on screen. */
function listRequest(query: Query): RunsRequest | undefined {
  const request = query.queryKey[1];
  if (!query.isActive() || typeof request !== "object" || request === null) return undefined;
  return (request as RunsRequest).group_by.length === 0 ? (request as RunsRequest) : undefined;
}

/** Blocks that are on screen, by what they ask for; a list on screen has several. */
function blocksOf(queries: QueryClient): { lists: Map<string, [RunsRequest, Query[]]>; others: Query[] } {
  const lists = new Map<string, [RunsRequest, Query[]]>();
  const others: Query[] = [];
  for (const query of queries.getQueryCache().findAll({ queryKey: keys.runs })) {
    const request = listRequest(query);
    if (!request) others.push(query);
    else {
      const key = JSON.stringify(request);
      const known = lists.get(key)?.[1] ?? [];
      lists.set(key, [request, [...known, query]]);
    }
  }
  return { lists, others };
}

/** Fetches changed rows alone where a list shows them; everything else becomes stale. */
async function refreshRows(queries: QueryClient, runs: readonly string[], listed: boolean): Promise<void> {
  const { lists, others } = blocksOf(queries);
  const stale = (blocks: readonly Query[]) =>
    Promise.all(blocks.map(({ queryKey }) => queries.invalidateQueries({ queryKey, exact: true })));
  await stale(others);
  for (const [request, blocks] of lists.values()) {
    if (listed || runs.length > ROWS_REFRESHED_MAX) {
      await stale(blocks);
      continue;
    }
    try {
      const { columns } = request;
      const answer = await client.runSearch({ query: byIds(runs), columns, limit: runs.length });
      const fresh = new Map(answer.runs.map((run) => [run.id, run]));
      const shown = new Set(blocks.flatMap((block) => [...patch(queries, block, fresh)]));
      // What is not on screen may now belong there, unless nothing but time orders this list.
      const moved = fresh.size < runs.length || (shown.size < fresh.size && movedByChanges(request));
      if (moved) await stale(blocks);
    } catch {
      await stale(blocks); // The list itself then shows what is wrong.
    }
  }
}

function flush(queries: QueryClient, pending: Pending): void {
  const changes = [...pending];
  pending.clear();
  const rows: string[] = [];
  const moves: string[] = [];
  const grown = new Set<string>();
  for (const [run, changed] of changes) {
    const stale = (queryKey: readonly unknown[]) => queries.invalidateQueries({ queryKey });
    if (touchesRow(changed)) {
      rows.push(run);
      stale(keys.run(run));
    }
    if (changed.has("metrics")) {
      stale(keys.metrics(run));
      grown.add(run);
      queries.invalidateQueries({
        queryKey: keys.series,
        predicate: (query) => Array.isArray(query.queryKey[1]) && query.queryKey[1].includes(run),
      });
    }
    if (changed.has("logs")) stale(keys.logs(run));
    if (changed.has("artifacts")) stale(keys.artifacts(run));
    if (changed.has("records")) stale(keys.records(run));
    if (changed.has("evaluation")) {
      stale(keys.evaluations(run));
      queries.invalidateQueries({
        queryKey: keys.compare,
        predicate: (query) => Array.isArray(query.queryKey[1]) && query.queryKey[1].includes(run),
      });
      // Tests are made only when asked for: an answer of other predictions is dropped, not fetched again.
      void queries.resetQueries({
        queryKey: keys.pairs,
        predicate: (query) => Array.isArray(query.queryKey[1]) && query.queryKey[1].includes(run),
      });
    }
    if (changed.has("evaluation") || changed.has("tags") || changed.has("state")) stale(keys.leaderboard);
    if (changed.has("state")) {
      moves.push(run);
      stale(keys.projects);
      stale(keys.deletions);
      grown.delete(run);
      refetchCharts(queries, run);
    }
  }
  if (grown.size > 0) growCharts(queries, grown);
  // A run of another state may now belong into other lists, or into none.
  if (rows.length > 0) void refreshRows(queries, rows, moves.length > 0);
  if (moves.length > 0) for (const listener of stateListeners) listener(moves);
}

/** Opens the stream and keeps it open; returns how to close it. */
export function listen(queries: QueryClient): () => void {
  const pending: Pending = new Map();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let source: EventSource | undefined;
  let wasAway = false;

  const open = () => {
    clearTimeout(retry);
    source?.close();
    source = new EventSource(`${API}/events`);
    source.onopen = () => {
      setConnection("live");
      // Whatever happened while the hub was away went unseen.
      if (wasAway) void queries.invalidateQueries();
      wasAway = false;
    };
    source.addEventListener("reset", () => void queries.invalidateQueries());
    source.addEventListener("run", (event) => {
      const change = readRunEvent(event.data);
      if (!change) return;
      gather(pending, change);
      timer ??= setTimeout(() => {
        timer = undefined;
        flush(queries, pending);
      }, FLUSH_MS);
    });
    source.onerror = () => {
      wasAway = true;
      setConnection("away");
      // The browser retries by itself unless the answer was not an event stream.
      if (source?.readyState === EventSource.CLOSED) {
        clearTimeout(retry);
        retry = setTimeout(open, RETRY_MS);
      }
    };
  };

  tryNow = open;
  open();
  return () => {
    tryNow = undefined;
    source?.close();
    clearTimeout(timer);
    clearTimeout(retry);
  };
}
