/** Live updates: one event stream per page, turned into stale marks on what it changed. */

import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { gather, type Pending, ROWS_REFRESHED_MAX, readRunEvent, touchesRow } from "~/model/changes";
import { client } from "./client";
import { API } from "./http";
import { keys } from "./queries";
import type { RunPage, RunSummary } from "./types";

export type Connection = "connecting" | "live" | "away";

const FLUSH_MS = 500;
const RETRY_MS = 3_000;

let connection: Connection = "connecting";
const listeners = new Set<() => void>();

export function connectionState(): Connection {
  return connection;
}

export function onConnection(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function setConnection(next: Connection): void {
  if (next === connection) return;
  connection = next;
  for (const listener of listeners) listener();
}

/** Puts a fresh row into every cached page that shows the run; whether any did. */
export function patchRow(queries: QueryClient, row: RunSummary): boolean {
  let found = false;
  queries.setQueriesData<InfiniteData<RunPage>>({ queryKey: keys.runs }, (data) => {
    if (!data?.pages.some((page) => page.runs.some((run) => run.id === row.id))) return data;
    found = true;
    const pages = data.pages.map((page) => ({
      ...page,
      runs: page.runs.map((run) => (run.id === row.id ? row : run)),
    }));
    return { ...data, pages };
  });
  return found;
}

async function refreshRows(queries: QueryClient, runs: readonly string[]): Promise<void> {
  const cached = queries.getQueriesData({ queryKey: keys.runs }).length > 0;
  if (!cached || runs.length === 0) return;
  if (runs.length > ROWS_REFRESHED_MAX) {
    await queries.invalidateQueries({ queryKey: keys.runs });
    return;
  }
  const answers = await Promise.allSettled(runs.map((run) => client.run(run)));
  const missing = answers.some((answer) => answer.status === "rejected" || !patchRow(queries, answer.value));
  if (missing) await queries.invalidateQueries({ queryKey: keys.runs });
}

function flush(queries: QueryClient, pending: Pending): void {
  const changes = [...pending];
  pending.clear();
  const rows: string[] = [];
  for (const [run, changed] of changes) {
    const stale = (queryKey: readonly unknown[]) => queries.invalidateQueries({ queryKey });
    if (touchesRow(changed)) {
      rows.push(run);
      stale(keys.run(run));
    }
    if (changed.has("metrics")) {
      stale(keys.metrics(run));
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
    }
    if (changed.has("state")) stale(keys.projects);
  }
  void refreshRows(queries, rows);
}

/** Opens the stream and keeps it open; returns how to close it. */
export function listen(queries: QueryClient): () => void {
  const pending: Pending = new Map();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let source: EventSource | undefined;
  let wasAway = false;

  const open = () => {
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

  open();
  return () => {
    source?.close();
    clearTimeout(timer);
    clearTimeout(retry);
  };
}
