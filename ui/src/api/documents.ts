/** Reports as documents of the hub, and what comparisons ask for of many runs at once. */

import { keepPreviousData, type QueryClient, queryOptions } from "@tanstack/react-query";
import type { ReportBlock } from "~/model/report";
import { type DocumentHead, type StoredDocument, writeBlocks } from "~/model/report";
import { byIds } from "~/model/request";
import { client } from "./client";
import { get, post, query, send } from "./http";
import { keys } from "./queries";

const enc = encodeURIComponent;
const documentKey = ["reports"] as const;
const JSON_HEADERS = { "content-type": "application/json", accept: "application/json" };

export const reportsQuery = () =>
  queryOptions({
    queryKey: [...documentKey, "list"] as const,
    queryFn: ({ signal }) =>
      get<{ documents: DocumentHead[] }>(`/documents${query({ kind: "report" })}`, signal),
  });

export const reportQuery = (id: string) =>
  queryOptions({
    queryKey: [...documentKey, "one", id] as const,
    queryFn: ({ signal }) => get<StoredDocument>(`/documents/${enc(id)}`, signal),
  });

export const reports = {
  read: (id: string) => get<StoredDocument>(`/documents/${enc(id)}`),
  create: (name: string, project: string | null, blocks: readonly ReportBlock[]) =>
    post<StoredDocument>("/documents", { kind: "report", project, name, body: writeBlocks(blocks) }),
  save: async (id: string, change: { name: string; blocks: readonly ReportBlock[]; revision: number }) => {
    const { name, revision } = change;
    const body = JSON.stringify({ name, revision, body: writeBlocks(change.blocks) });
    const answer = await send(`/documents/${enc(id)}`, { method: "PUT", headers: JSON_HEADERS, body });
    return (await answer.json()) as StoredDocument;
  },
  remove: async (id: string) => void (await send(`/documents/${enc(id)}`, { method: "DELETE" })),
  /** The document as the hub has just answered it; lists are fetched again. */
  put: (queries: QueryClient, document: StoredDocument) => {
    queries.setQueryData([...documentKey, "one", document.id], document);
    return queries.invalidateQueries({ queryKey: [...documentKey, "list"] });
  },
  stale: (queries: QueryClient) => queries.invalidateQueries({ queryKey: documentKey }),
};

/** Which of the runs there are, deleted ones too. */
export const presentQuery = (ids: readonly string[]) =>
  queryOptions({
    queryKey: [...keys.runs, "present", ids] as const,
    queryFn: ({ signal }) =>
      client.runSearch({ query: byIds(ids), columns: [], limit: Math.max(1, ids.length) }, signal),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  });
