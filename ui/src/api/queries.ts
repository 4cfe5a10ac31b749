/** Query options: the key each answer is cached under, and how to fetch it. */

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { onDataset } from "~/model/datasetVersions";
import { isLaunchOver } from "~/model/launch";
import { NAMES_MAX } from "~/model/metricNames";
import type { RunsRequest } from "~/model/request";
import { BLOCK_ROWS } from "~/model/rows";
import type { XAxis } from "~/model/series";
import { client } from "./client";
import { get, query } from "./http";
import type { FieldList } from "./types";

/** Runs of one group fetched when it is unfolded or checked. */
export const GROUP_RUNS_MAX = 100;
/** Newest runs looked at to find out which metrics, params and tags there are. */
const SAMPLE_RUNS = 50;
const SAMPLE_STALE_MS = 60_000;
const LEDGER_PAGE = 100;

/** Keys by kind, so that an event can name what it makes stale. */
export const keys = {
  projects: ["projects"] as const,
  runs: ["runs"] as const,
  sample: ["sample"] as const,
  deletions: ["deletions"] as const,
  retention: ["retention"] as const,
  run: (id: string) => ["run", id] as const,
  metrics: (id: string) => ["metrics", id] as const,
  series: ["series"] as const,
  logs: (id: string) => ["logs", id] as const,
  artifacts: (id: string) => ["artifacts", id] as const,
  evaluations: (id: string) => ["evaluations", id] as const,
  records: (id: string) => ["records", id] as const,
  reproductions: (id: string) => ["reproductions", id] as const,
  compare: ["compare"] as const,
  leaderboard: ["leaderboard"] as const,
  pairs: ["pairs"] as const,
  registry: ["registry"] as const,
};

export const infoQuery = () =>
  queryOptions({
    queryKey: ["info"],
    queryFn: ({ signal }) => client.info(signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const projectsQuery = () =>
  queryOptions({ queryKey: keys.projects, queryFn: ({ signal }) => client.projects(signal) });

/** Rows of the ordered answer from `offset` on, with the columns the request names. */
export const runsBlockQuery = (request: RunsRequest, offset: number) =>
  queryOptions({
    queryKey: [...keys.runs, request, offset] as const,
    queryFn: ({ signal }) =>
      client.runSearch(
        {
          ...request,
          columns: request.group_by.length > 0 ? null : request.columns,
          limit: BLOCK_ROWS,
          ...(offset > 0 && { offset }),
        },
        signal,
      ),
  });

/** The runs of one group, as its query finds them. */
export const groupRunsQuery = (query: string, columns: readonly string[]) =>
  queryOptions({
    queryKey: [...keys.runs, "group", query, columns] as const,
    queryFn: ({ signal }) =>
      client.runSearch({ query, columns: [...columns], limit: GROUP_RUNS_MAX }, signal),
    placeholderData: keepPreviousData,
  });

/** The newest runs, whole: what columns and completions are found in. */
export const sampleQuery = (project: string | undefined) =>
  queryOptions({
    queryKey: [...keys.sample, project ?? ""] as const,
    queryFn: ({ signal }) => client.runSearch({ project: project ?? null, limit: SAMPLE_RUNS }, signal),
    staleTime: SAMPLE_STALE_MS,
    placeholderData: keepPreviousData,
  });

/** Names of metrics over all runs of a project, the most frequent first. */
export const metricNamesQuery = (project: string | undefined) =>
  queryOptions({
    queryKey: ["fields", project ?? "", "metrics.", NAMES_MAX] as const,
    queryFn: ({ signal }) =>
      get<FieldList>(`/fields${query({ project, prefix: "metrics.", limit: NAMES_MAX })}`, signal),
    placeholderData: keepPreviousData,
  });

export const runQuery = (id: string) =>
  queryOptions({ queryKey: keys.run(id), queryFn: ({ signal }) => client.run(id, signal) });

export const metricsQuery = (id: string) =>
  queryOptions({ queryKey: keys.metrics(id), queryFn: ({ signal }) => client.metrics(id, signal) });

export interface SeriesRequest {
  runs: readonly string[];
  metric: string;
  axis: XAxis;
  /** On the axis, both ends included. */
  range: readonly [number, number] | undefined;
  points: number;
}

export const seriesQuery = (request: SeriesRequest) =>
  queryOptions({
    queryKey: [
      ...keys.series,
      request.runs,
      request.metric,
      request.axis,
      request.range,
      request.points,
    ] as const,
    queryFn: ({ signal }) =>
      client.series(
        {
          runs: [...request.runs],
          metrics: [request.metric],
          axis: request.axis,
          from: request.range?.[0] ?? null,
          to: request.range?.[1] ?? null,
          reduction: "envelope",
          max_points: request.points,
        },
        signal,
      ),
    placeholderData: keepPreviousData,
  });

export const logsQuery = (id: string) =>
  queryOptions({ queryKey: keys.logs(id), queryFn: ({ signal }) => client.logs(id, signal) });

export const recordsQuery = (id: string, kind?: string) =>
  queryOptions({
    queryKey: [...keys.records(id), kind ?? ""] as const,
    queryFn: ({ signal }) => client.records(id, kind, signal),
  });

export const artifactsQuery = (id: string) =>
  queryOptions({ queryKey: keys.artifacts(id), queryFn: ({ signal }) => client.artifacts(id, signal) });

/** What a run's model takes and gives. It is one of the run's artifacts, and as stale as they are. */
export const modelQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.artifacts(id), "model"] as const,
    queryFn: ({ signal }) => client.model(id, signal),
    // A model that cannot be used stays so until its files change.
    retry: false,
  });

export const evaluationsQuery = (id: string) =>
  queryOptions({ queryKey: keys.evaluations(id), queryFn: ({ signal }) => client.evaluations(id, signal) });

export const evaluationQuery = (id: string, state: string) =>
  queryOptions({
    queryKey: ["evaluation", id, state] as const,
    queryFn: ({ signal }) => client.evaluation(id, signal),
  });

export const compareQuery = (runs: readonly string[]) =>
  queryOptions({
    queryKey: [...keys.compare, runs] as const,
    queryFn: ({ signal }) => client.compare([...runs], signal),
    enabled: runs.length > 0,
    placeholderData: keepPreviousData,
  });

export const datasetsQuery = () =>
  queryOptions({ queryKey: ["datasets"], queryFn: ({ signal }) => client.datasets(signal) });

export const datasetQuery = (name: string, version: number | undefined) =>
  queryOptions({
    queryKey: ["dataset", name, version ?? 0] as const,
    queryFn: ({ signal }) => client.dataset(name, version, signal),
    placeholderData: keepPreviousData,
  });

/** A preview never changes: the version's content is fixed. Most versions have none. */
export const datasetPreviewQuery = (name: string, version: number) =>
  queryOptions({
    queryKey: ["dataset-preview", name, version] as const,
    queryFn: ({ signal }) => client.datasetPreview(name, version, signal),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The newest runs on any version of a dataset. */
export const datasetRunsQuery = (name: string, limit: number) =>
  queryOptions({
    queryKey: [...keys.runs, "dataset", name, limit] as const,
    queryFn: ({ signal }) =>
      client.runSearch(
        { query: onDataset(name), columns: ["state"], order: ["created desc"], limit },
        signal,
      ),
    placeholderData: keepPreviousData,
  });

/** Runs in these states, newest first; by their start, those that wait come last. */
export const runsInStatesQuery = (
  states: readonly string[],
  limit: number,
  by: "created" | "started" = "created",
) =>
  queryOptions({
    queryKey: [...keys.runs, "states", states, limit, by] as const,
    queryFn: ({ signal }) => {
      const order = by === "started" ? ["started desc", "created desc"] : ["created desc"];
      return client.runSearch({ states: [...states], columns: ["state"], order, limit }, signal);
    },
    placeholderData: keepPreviousData,
  });

/** How far a running run says it is. */
export const progressQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.records(id), "progress", "last"] as const,
    queryFn: ({ signal }) => client.lastRecord(id, "progress", signal),
  });

/** Runs of the last days, only when they were made and how they stand. */
export const activityQuery = (days: number, limit: number) =>
  queryOptions({
    queryKey: [...keys.runs, "activity", days, limit] as const,
    queryFn: ({ signal }) =>
      client.runSearch(
        { query: `created > -${days}d`, columns: ["state"], order: ["created desc"], limit },
        signal,
      ),
    placeholderData: keepPreviousData,
  });

export const adaptersQuery = () =>
  queryOptions({ queryKey: ["adapters"], queryFn: ({ signal }) => client.adapters(signal) });

/** What may be launched here, and what was. */
export const launchesQuery = () =>
  queryOptions({ queryKey: ["launches"], queryFn: ({ signal }) => client.launches(signal) });

const LAUNCH_LOOK_MS = 700;

/** One launch, looked at again until it has ended. */
export const launchQuery = (id: string) =>
  queryOptions({
    queryKey: ["launch", id] as const,
    queryFn: ({ signal }) => client.launchGet(id, signal),
    refetchInterval: ({ state }) => (state.data && !isLaunchOver(state.data.state) ? LAUNCH_LOOK_MS : false),
  });

/** What the hub says of an experiment's text. Answers of texts that were typed over are soon let go. */
export const checkQuery = (text: string, folder: string) =>
  queryOptions({
    queryKey: ["launch-check", text, folder] as const,
    queryFn: ({ signal }) =>
      client.launch({ text, mode: "dry_run", folder: folder === "" ? null : folder }, signal),
    placeholderData: keepPreviousData,
    gcTime: 30_000,
  });

export const definitionsQuery = () =>
  queryOptions({ queryKey: ["definitions"], queryFn: ({ signal }) => client.definitions(signal) });

export const ledgerQuery = () =>
  infiniteQueryOptions({
    queryKey: keys.deletions,
    queryFn: ({ signal, pageParam }) => client.deletions(pageParam, LEDGER_PAGE, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next_before ?? undefined,
  });

export const retentionQuery = () =>
  queryOptions({ queryKey: keys.retention, queryFn: ({ signal }) => client.retention(signal) });
