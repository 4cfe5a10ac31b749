/** What may be said of results: leaderboards, two runs tested row by row, shared rows that are accepted. */

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { NAMES_MAX } from "~/model/metricNames";
import { get, post, query } from "./http";
import { keys } from "./queries";
import type { FieldList, Leaderboard, PairView, SplitView } from "./types";

const enc = encodeURIComponent;

/** Names of evaluated metrics over all runs of a project. */
export const evaluatedNamesQuery = (project: string | undefined) =>
  queryOptions({
    queryKey: ["fields", project ?? "", "eval.", NAMES_MAX] as const,
    queryFn: ({ signal }) =>
      get<FieldList>(`/fields${query({ project, prefix: "eval.", limit: NAMES_MAX })}`, signal),
    placeholderData: keepPreviousData,
  });

export const leaderboardQuery = (metric: string, project: string | undefined, condition: string) =>
  queryOptions({
    queryKey: [...keys.leaderboard, metric, project ?? "", condition] as const,
    queryFn: ({ signal }) =>
      get<Leaderboard>(`/leaderboard${query({ metric, project, query: condition })}`, signal),
    placeholderData: keepPreviousData,
  });

/**
 * The tests of two runs. They take seconds, so they are made only when asked for, go on when the reader looks
 * elsewhere, and are kept: the same predictions give the same answer.
 */
export const pairQuery = (a: string, b: string) =>
  queryOptions({
    queryKey: [...keys.pairs, [a, b]] as const,
    queryFn: () => post<PairView>("/pairs", { a, b }),
    enabled: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

export interface SplitOf {
  dataset: string;
  version: number;
  hash: string;
}

export const acceptLeakage = ({ dataset, version, hash }: SplitOf, split: string, reason: string) =>
  post<SplitView>(`/datasets/${enc(dataset)}/versions/${version}/splits/${enc(hash)}/acceptances`, {
    split,
    reason,
  });
