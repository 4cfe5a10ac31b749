/** What only the run's page asks: changes to a run, places in its logs, versions and users of its artifacts. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { client } from "./client";
import { get, post, query, send } from "./http";
import { keys } from "./queries";
import type { components } from "./schema";
import type { ReproductionList, RunDetail, RunSummary } from "./types";

type Schemas = components["schemas"];
const enc = encodeURIComponent;

/** Matches a search of a log stops at until it is told to go on. */
export const LOG_MATCHES_MAX = 1_000;
const LOG_MATCHES_PAGE = 200;
const VERSIONS_SHOWN = 50;
/** Bytes of a stream's end in which the lines of a failure are looked for. */
const EVIDENCE_BYTES = 128 * 1024;
const CANDIDATES_MAX = 30;
const SIBLINGS_MAX = 50;
/** While one runs, its verdict is asked for this often. */
const REPRODUCTION_REFRESH_MS = 5_000;

export type RunChange = Partial<Schemas["RunPatch"]>;

export async function patchRun(run: string, change: RunChange): Promise<RunSummary> {
  const response = await send(`/runs/${enc(run)}`, {
    method: "PATCH",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(change),
  });
  return (await response.json()) as RunSummary;
}

/** A place in a log where a text was found. */
export interface LogMatch {
  offset: number;
  line_start: number;
  line_length: number;
}
export interface LogMatches {
  matches: LogMatch[];
  /** Where to go on from; null at the end. */
  next: number | null;
  size: number;
}

export interface LogPlace {
  run: string;
  attempt: number;
  stream: string;
}

/** Each page scans a bounded part of the stream, from its start to its end. */
export const logSearchQuery = (where: LogPlace, text: string) =>
  infiniteQueryOptions({
    queryKey: ["log-search", where, text] as const,
    queryFn: ({ signal, pageParam }) => {
      const { run, attempt, stream } = where;
      const asked = query({ attempt, text, from: pageParam, limit: LOG_MATCHES_PAGE });
      return get<LogMatches>(`/runs/${enc(run)}/logs/${enc(stream)}/search${asked}`, signal);
    },
    initialPageParam: 0,
    getNextPageParam: (page) => page.next ?? undefined,
    enabled: text !== "",
    gcTime: 60_000,
    retry: false,
  });

/** The end of a stream, for finding a failure's lines in it. */
export const logTailQuery = ({ run, attempt, stream }: LogPlace) =>
  queryOptions({
    queryKey: [...keys.logs(run), "tail", attempt, stream] as const,
    queryFn: ({ signal }) => client.logPiece(run, stream, { attempt, tail: EVIDENCE_BYTES }, signal),
  });

export const versionsQuery = (project: string, name: string) =>
  queryOptions({
    queryKey: ["artifact-versions", project, name] as const,
    queryFn: ({ signal }) =>
      get<Schemas["ArtifactVersionList"]>(
        `/artifacts/versions${query({ project, name, limit: VERSIONS_SHOWN })}`,
        signal,
      ),
  });

/** Runs that used the content of an artifact. */
export const usersQuery = (run: string, path: string) =>
  queryOptions({
    queryKey: ["artifact-users", run, path] as const,
    queryFn: ({ signal }) =>
      get<Schemas["InputList"]>(`/runs/${enc(run)}/artifacts/users${query({ path })}`, signal),
  });

/** Artifacts of others that a run used. */
export const inputsQuery = (run: string) =>
  queryOptions({
    queryKey: ["run-inputs", run] as const,
    queryFn: ({ signal }) => get<Schemas["InputList"]>(`/runs/${enc(run)}/inputs`, signal),
  });

export const exportModel = (run: string, format: string) =>
  post<Schemas["ExportResponse"]>(`/models/${enc(run)}/export`, { format });

/** Newest runs of a project that hold a text in their name, experiment or tags. */
export const candidatesQuery = (project: string | null, text: string) =>
  queryOptions({
    queryKey: [...keys.runs, "candidates", project, text] as const,
    queryFn: ({ signal }) =>
      client.runSearch(
        { project, text: text === "" ? null : text, columns: [], limit: CANDIDATES_MAX },
        signal,
      ),
  });

/** The runs of a seed group, this one among them. */
export const siblingsQuery = (run: RunDetail, columns: readonly string[]) =>
  queryOptions({
    queryKey: [...keys.runs, "siblings", run.group, columns] as const,
    queryFn: ({ signal }) =>
      client.runSearch(
        {
          project: run.project,
          group: run.group ?? null,
          columns: [...columns],
          order: ["seed asc"],
          limit: SIBLINGS_MAX,
        },
        signal,
      ),
    enabled: Boolean(run.group),
  });

async function neighbour(run: RunDetail, newer: boolean, signal: AbortSignal): Promise<string | undefined> {
  const at = new Date(run.created_at).toISOString();
  const { runs } = await client.runSearch(
    {
      project: run.project,
      experiment: run.experiment,
      query: `created ${newer ? ">=" : "<="} '${at}'`,
      order: [`created ${newer ? "asc" : "desc"}`, `id ${newer ? "asc" : "desc"}`],
      columns: [],
      limit: SIBLINGS_MAX,
    },
    signal,
  );
  // Runs of one batch have one time; their ids set them apart.
  const beyond = (id: string) => (newer ? id > run.id : id < run.id);
  return runs.find((one) => one.created_at !== run.created_at || beyond(one.id))?.id;
}

/** The runs of the experiment that were made just before and just after. */
export const neighboursQuery = (run: RunDetail) =>
  queryOptions({
    queryKey: ["neighbours", run.id] as const,
    queryFn: async ({ signal }) => {
      const [older, newer] = await Promise.all([neighbour(run, false, signal), neighbour(run, true, signal)]);
      return { older, newer };
    },
  });

/** What a run reproduces and what reproduces it; the hub judges anew each time it is asked. */
export const reproductionsQuery = (run: string) =>
  queryOptions({
    queryKey: keys.reproductions(run),
    queryFn: ({ signal }) => get<ReproductionList>(`/runs/${enc(run)}/reproductions`, signal),
    refetchInterval: ({ state }) =>
      state.data?.reproductions.some((one) => one.verdict === "running") ? REPRODUCTION_REFRESH_MS : false,
  });
