/** One function per route of the hub. */

import type { DatasetPreview } from "~/model/datasetVersions";
import type { LogPiece } from "~/model/logs";
import type { ModelAbout, PredictReply, SearchReply } from "~/model/served";
import { get, patch, post, query, send } from "./http";
import type { components } from "./schema";
import type {
  Comparison,
  DatasetDetail,
  DeletionLedger,
  DeletionReport,
  DeletionRequest,
  EvaluationDetail,
  Info,
  LaunchReply,
  LaunchRequest,
  LaunchView,
  RecordView,
  RetentionReport,
  RunDetail,
  RunSearch,
  RunSearchReply,
  RunSummary,
  SeriesQuery,
  SeriesReply,
} from "./types";

type Schemas = components["schemas"];
const enc = encodeURIComponent;

/** Records of a run fetched at most, the newest. */
export const RECORDS_MAX = 1000;

export const client = {
  info: (signal?: AbortSignal) => get<Info>("/info", signal),
  projects: (signal?: AbortSignal) => get<Schemas["ProjectList"]>("/projects", signal),
  projectDescribe: (name: string, description: string) =>
    patch<Schemas["ProjectView"]>(`/projects/${enc(name)}`, { description }),
  experiments: (project: string, signal?: AbortSignal) =>
    get<Schemas["ExperimentList"]>(`/experiments${query({ project })}`, signal),
  runSearch: (body: Partial<RunSearch> & { offset?: number }, signal?: AbortSignal) =>
    post<RunSearchReply>("/runs/search", body, signal),
  run: (run: string, signal?: AbortSignal) => get<RunDetail>(`/runs/${enc(run)}`, signal),
  stopRun: (run: string) => post<RunSummary>(`/runs/${enc(run)}/stop`, {}),
  metrics: (run: string, signal?: AbortSignal) =>
    get<Schemas["MetricList"]>(`/runs/${enc(run)}/metrics`, signal),
  series: (body: SeriesQuery, signal?: AbortSignal) => post<SeriesReply>("/series/query", body, signal),
  logs: (run: string, signal?: AbortSignal) => get<Schemas["LogList"]>(`/runs/${enc(run)}/logs`, signal),
  logPiece: async (
    run: string,
    stream: string,
    where: { attempt: number; offset?: number; limit?: number; tail?: number },
    signal?: AbortSignal,
  ): Promise<LogPiece> => {
    const response = await send(`/runs/${enc(run)}/logs/${enc(stream)}${query(where)}`, {
      signal: signal ?? null,
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const offset = Number(response.headers.get("mlhub-log-offset") ?? where.offset ?? 0);
    const size = Number(response.headers.get("mlhub-log-size") ?? offset + bytes.length);
    const next = Number(response.headers.get("mlhub-log-next") ?? offset + bytes.length);
    return { offset, next, size, bytes };
  },
  records: (run: string, kind: string | undefined, signal?: AbortSignal) =>
    get<Schemas["RecordList"]>(`/runs/${enc(run)}/records${query({ kind, limit: RECORDS_MAX })}`, signal),
  /** The newest record of a kind, or none. */
  lastRecord: async (run: string, kind: string, signal?: AbortSignal): Promise<RecordView | null> => {
    const path = `/runs/${enc(run)}/records${query({ kind, limit: 1 })}`;
    return (await get<Schemas["RecordList"]>(path, signal)).records[0] ?? null;
  },
  artifacts: (run: string, signal?: AbortSignal) =>
    get<Schemas["ArtifactList"]>(`/runs/${enc(run)}/artifacts`, signal),
  evaluations: (run: string, signal?: AbortSignal) =>
    get<Schemas["EvaluationList"]>(`/runs/${enc(run)}/evaluations`, signal),
  evaluation: (id: string, signal?: AbortSignal) => get<EvaluationDetail>(`/evaluations/${enc(id)}`, signal),
  model: (run: string, signal?: AbortSignal) => get<ModelAbout>(`/models/${enc(run)}`, signal),
  predict: (run: string, inputs: unknown[], signal?: AbortSignal) =>
    post<PredictReply>(`/models/${enc(run)}/predict`, { inputs }, signal),
  search: (run: string, queries: unknown[], k: number, signal?: AbortSignal) =>
    post<SearchReply>(`/models/${enc(run)}/search`, { queries, k }, signal),
  compare: (runs: string[], signal?: AbortSignal) => post<Comparison>("/compare", { runs }, signal),
  deletions: (before: number | undefined, limit: number, signal?: AbortSignal) =>
    get<DeletionLedger>(`/deletions${query({ before, limit })}`, signal),
  deletionRun: (body: DeletionRequest, signal?: AbortSignal) =>
    post<DeletionReport>("/deletions", body, signal),
  retention: (signal?: AbortSignal) => get<Schemas["RetentionList"]>("/retention", signal),
  retentionApply: (body: Schemas["RetentionApply"], signal?: AbortSignal) =>
    post<RetentionReport>("/retention", body, signal),
  datasets: (signal?: AbortSignal) => get<Schemas["DatasetList"]>("/datasets", signal),
  dataset: (name: string, version: number | undefined, signal?: AbortSignal) =>
    get<DatasetDetail>(`/datasets/${enc(name)}${query({ version })}`, signal),
  /** What of a version was allowed to be shown when it was registered; 404 with the reason when nothing was. */
  datasetPreview: (name: string, version: number, signal?: AbortSignal) =>
    get<DatasetPreview>(`/datasets/${enc(name)}/versions/${version}/preview`, signal),
  adapters: (signal?: AbortSignal) => get<Schemas["AdapterList"]>("/adapters", signal),
  launches: (signal?: AbortSignal) => get<Schemas["LaunchList"]>("/launches", signal),
  launch: (body: LaunchRequest, signal?: AbortSignal) => post<LaunchReply>("/launches", body, signal),
  launchGet: (id: string, signal?: AbortSignal) => get<LaunchView>(`/launches/${enc(id)}`, signal),
  launchStop: (id: string) => post<LaunchView>(`/launches/${enc(id)}/stop`, {}),
  definitions: (signal?: AbortSignal) => get<Schemas["DefinitionList"]>("/metric-definitions", signal),
};

/** Where the bytes of an artifact are; the hub always sends them as an attachment. */
export function artifactUrl(run: string, path: string): string {
  return `/api/v1/runs/${enc(run)}/artifacts/content${query({ path })}`;
}

/**
 * The first bytes of an artifact as text. The transfer ends once `limit` bytes have come, so
 * a large file costs no more than that.
 */
export async function artifactText(
  run: string,
  path: string,
  limit: number,
  signal?: AbortSignal,
): Promise<{ text: string; cut: boolean }> {
  const response = await send(`/runs/${enc(run)}/artifacts/content${query({ path })}`, {
    signal: signal ?? null,
  });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder("utf-8");
  let text = "";
  let read = 0;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), cut: false };
    const room = limit - read;
    text += decoder.decode(value.subarray(0, room), { stream: true });
    read += value.length;
    if (read >= limit) {
      await reader.cancel();
      return { text, cut: read > limit };
    }
  }
  return { text, cut: false };
}

/** All bytes of an artifact; undefined when there are more than `limit`, of which no more are read. */
export async function artifactBytes(
  run: string,
  path: string,
  limit: number,
  signal?: AbortSignal,
): Promise<ArrayBuffer | undefined> {
  const response = await send(`/runs/${enc(run)}/artifacts/content${query({ path })}`, {
    signal: signal ?? null,
  });
  if (Number(response.headers.get("content-length") ?? Number.POSITIVE_INFINITY) > limit) {
    await response.body?.cancel();
    return undefined;
  }
  return response.arrayBuffer();
}
