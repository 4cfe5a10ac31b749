/** The model registry: registered models, their versions, promotion past gates, and the trail. */

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { byIds } from "~/model/request";
import { client } from "./client";
import { get, patch, post, put, query, remove } from "./http";
import { keys } from "./queries";
import type { components } from "./schema";
import type {
  Gate,
  ModelPromoted,
  ModelPromotion,
  ModelVersionDetail,
  ModelVersionView,
  RegisteredModelView,
} from "./types";

type Schemas = components["schemas"];
const enc = encodeURIComponent;

/** Models, versions and runs of one answer. */
const PAGE = 500;
/** Lines of the trail of one answer. */
const TRAIL_PAGE = 50;

const modelPath = (model: string) => `/registry/models/${enc(model)}`;
const versionPath = (model: string, version: number | string) =>
  `${modelPath(model)}/versions/${enc(String(version))}`;

/** Registered models by name. */
export const modelsQuery = () =>
  infiniteQueryOptions({
    queryKey: [...keys.registry, "models"] as const,
    queryFn: ({ signal, pageParam }) =>
      get<Schemas["RegisteredModelList"]>(
        `/registry/models${query({ limit: PAGE, cursor: pageParam })}`,
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    select: ({ pages }) => pages.flatMap((page) => page.models),
  });

export const registeredModelQuery = (model: string) =>
  queryOptions({
    queryKey: [...keys.registry, "model", model] as const,
    queryFn: ({ signal }) => get<RegisteredModelView>(modelPath(model), signal),
  });

/** The versions of a model, newest first. */
export const modelVersionsQuery = (model: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.registry, "versions", model] as const,
    queryFn: ({ signal, pageParam }) =>
      get<Schemas["ModelVersionList"]>(
        `/registry/versions${query({ model, limit: PAGE, cursor: pageParam })}`,
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    select: ({ pages }) => pages.flatMap((page) => page.versions),
  });

/** Versions of any model that come from a run, or have files of it. */
export const runModelsQuery = (run: string) =>
  queryOptions({
    queryKey: [...keys.registry, "of-run", run] as const,
    queryFn: ({ signal }) =>
      get<Schemas["ModelVersionList"]>(`/registry/versions${query({ run, limit: PAGE })}`, signal),
  });

/** A version with what it stands on; with a metric also its place on the boards. */
export const modelVersionQuery = (model: string, version: string) =>
  queryOptions({
    queryKey: [...keys.registry, "version", model, version] as const,
    queryFn: ({ signal }) => get<ModelVersionDetail>(versionPath(model, version), signal),
  });

/** Where a version stands on the boards of a metric. */
export const standingsQuery = (model: string, version: number, metric: string) =>
  queryOptions({
    queryKey: [...keys.registry, "standings", model, version, metric] as const,
    queryFn: ({ signal }) =>
      get<ModelVersionDetail>(`${versionPath(model, version)}${query({ metric })}`, signal),
    enabled: metric !== "",
    select: ({ standings }) => standings,
  });

/** The runs that versions come from, with their numbers; deleted ones too. */
export const versionRunsQuery = (ids: readonly string[]) =>
  queryOptions({
    queryKey: [...keys.runs, "of-versions", ids] as const,
    queryFn: ({ signal }) =>
      client.runSearch({ query: byIds(ids), limit: Math.max(1, ids.length), columns: null }, signal),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  });

/** What was done to the models that have or had a name, newest first. */
export const trailQuery = (model: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.registry, "trail", model] as const,
    queryFn: ({ signal, pageParam }) =>
      get<Schemas["ModelEventList"]>(
        `/registry/events${query({ model, limit: TRAIL_PAGE, cursor: pageParam })}`,
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    select: ({ pages }) => pages.flatMap((page) => page.events),
  });

export type ModelChange = Partial<Schemas["RegisteredModelPatch"]>;
export type VersionChange = Partial<Schemas["ModelVersionPatch"]>;
export type VersionDraft = Partial<Schemas["ModelVersionCreate"]>;

export const registry = {
  create: (name: string) => post<RegisteredModelView>("/registry/models", { name }),
  change: (model: string, change: ModelChange) => patch<RegisteredModelView>(modelPath(model), change),
  remove: (model: string) => remove(modelPath(model)),
  versionCreate: (model: string, draft: VersionDraft) =>
    post<ModelVersionView>(`${modelPath(model)}/versions`, draft),
  versionChange: (model: string, version: number, change: VersionChange) =>
    patch<ModelVersionView>(versionPath(model, version), change),
  versionRemove: (model: string, version: number) => remove(versionPath(model, version)),
  promote: (model: string, promotion: ModelPromotion) =>
    post<ModelPromoted>(`${modelPath(model)}/promotions`, promotion),
  aliasRemove: (model: string, alias: string) => remove(`${modelPath(model)}/aliases/${enc(alias)}`),
  protect: (model: string, target: string, gate: Gate) =>
    put<RegisteredModelView>(`${modelPath(model)}/protections/${enc(target)}`, { gate }),
  unprotect: (model: string, target: string) => remove(`${modelPath(model)}/protections/${enc(target)}`),
};
