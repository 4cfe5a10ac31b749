/** The saved view that the address names: opened, changed, saved, and what others did to it meanwhile. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { ApiError } from "~/api/http";
import { viewQuery, views } from "~/api/workspace";
import type { RunsSearch } from "~/model/search";
import { opened, readViewBody, type ViewDocument, viewBody, viewStanding, viewState } from "~/model/views";
import { type ChartLayout, useChartLayout } from "./useChartLayout";

/** Replaces the whole state in the address. */
export type SetSearch = (search: RunsSearch) => void;

export function useView(search: RunsSearch, set: SetSearch, change: (next: Partial<RunsSearch>) => void) {
  const id = search.view;
  const stored = useQuery({ ...viewQuery(id ?? ""), enabled: id !== undefined });
  const document = id === undefined ? undefined : stored.data;
  const waiting = id !== undefined && search.rev === undefined;
  const body = useMemo(() => (document ? readViewBody(document.body) : undefined), [document]);
  useEffect(() => {
    // What else the address says is a change of the view.
    if (waiting && document && body) set(opened(document, { ...body.search, ...viewState(search) }));
  }, [waiting, document, body, search, set]);
  const charts = useChartLayout(search, change, body);
  const { layout } = charts;
  const standing = useMemo(
    () => viewStanding({ search, charts: layout }, document),
    [search, layout, document],
  );
  const error =
    stored.error ??
    (document && !body ? new Error("It was saved by a newer version of the hub.") : undefined);
  return {
    document,
    charts,
    standing,
    /** The state is still to come. */
    opening: id !== undefined && (waiting || !document) && !error,
    error: id === undefined ? undefined : error,
    leave: () => set({ ...viewState(search), ...charts.withoutView() }),
    reopen: () => {
      if (!document || !body) return;
      charts.drop();
      set(opened(document, body.search));
    },
  };
}

export type OpenView = ReturnType<typeof useView>;

/** What is done to views on the hub. */
export function useViewActions(
  project: string | undefined,
  search: RunsSearch,
  set: SetSearch,
  charts: ChartLayout,
) {
  const queries = useQueryClient();
  const settled = async (error: Error | null) => {
    // Somebody else was first: what they saved is fetched, and the page says so.
    if (error === null || (error instanceof ApiError && error.status === 409)) await views.stale(queries);
  };
  const content = { search, charts: charts.layout };
  const renamed = (saved: ViewDocument) => {
    queries.setQueryData(viewQuery(saved.id).queryKey, saved);
    set({ ...search, view: saved.id, rev: saved.revision });
  };
  const keep = (saved: ViewDocument) => {
    queries.setQueryData(viewQuery(saved.id).queryKey, saved);
    set(opened(saved, { ...viewState(search), charts: undefined }));
  };
  const create = useMutation({
    mutationFn: (name: string) => views.create(project, name, viewBody(content)),
    onSuccess: keep,
    onSettled: (_, error) => settled(error),
  });
  const save = useMutation({
    mutationFn: (of: { view: ViewDocument; revision: number }) =>
      views.update(of.view.id, { name: of.view.name, body: viewBody(content), revision: of.revision }),
    onSuccess: keep,
    onSettled: (_, error) => settled(error),
  });
  const rename = useMutation({
    mutationFn: (of: { view: ViewDocument; name: string }) =>
      views.update(of.view.id, { name: of.name, body: of.view.body, revision: of.view.revision }),
    onSuccess: renamed,
    onSettled: (_, error) => settled(error),
  });
  const remove = useMutation({
    mutationFn: (view: ViewDocument) => views.remove(view.id),
    onSuccess: async () => {
      set({ ...viewState(search), ...charts.withoutView() });
      await views.gone(queries);
    },
  });
  return { create, save, rename, remove };
}

export type ViewActions = ReturnType<typeof useViewActions>;
