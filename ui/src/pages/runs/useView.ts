/** The saved view that the address names: opened, changed, saved, and what others did to it meanwhile. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError } from "~/api/http";
import { viewQuery, views } from "~/api/workspace";
import type { RunsSearch } from "~/model/search";
import { opened, readViewBody, type ViewDocument, viewBody, viewStanding, viewState } from "~/model/views";

/** Replaces the whole state in the address. */
export type SetSearch = (search: RunsSearch) => void;

export function useView(search: RunsSearch, set: SetSearch) {
  const id = search.view;
  const stored = useQuery({ ...viewQuery(id ?? ""), enabled: id !== undefined });
  const document = id === undefined ? undefined : stored.data;
  const waiting = id !== undefined && search.rev === undefined;
  const body = document ? readViewBody(document.body) : undefined;
  useEffect(() => {
    // What else the address says is a change of the view.
    if (waiting && document && body) set(opened(document, { ...body, ...viewState(search) }));
  }, [waiting, document, body, search, set]);
  const error =
    stored.error ??
    (document && !body ? new Error("It was saved by a newer version of the hub.") : undefined);
  return {
    document,
    standing: viewStanding(search, document),
    /** The state is still to come. */
    opening: waiting && !error,
    error: id === undefined ? undefined : error,
    leave: () => set(viewState(search)),
    reopen: () => {
      if (document && body) set(opened(document, body));
    },
  };
}

export type OpenView = ReturnType<typeof useView>;

/** What is done to views on the hub. */
export function useViewActions(project: string | undefined, search: RunsSearch, set: SetSearch) {
  const queries = useQueryClient();
  const settled = async (error: Error | null) => {
    // Somebody else was first: what they saved is fetched, and the page says so.
    if (error === null || (error instanceof ApiError && error.status === 409)) await views.stale(queries);
  };
  const keep = (saved: ViewDocument) => {
    queries.setQueryData(viewQuery(saved.id).queryKey, saved);
    set({ ...viewState(search), view: saved.id, rev: saved.revision });
  };
  const create = useMutation({
    mutationFn: (name: string) => views.create(project, name, viewBody(search)),
    onSuccess: keep,
    onSettled: (_, error) => settled(error),
  });
  const save = useMutation({
    mutationFn: (of: { view: ViewDocument; revision: number }) =>
      views.update(of.view.id, { name: of.view.name, body: viewBody(search), revision: of.revision }),
    onSuccess: keep,
    onSettled: (_, error) => settled(error),
  });
  const rename = useMutation({
    mutationFn: (of: { view: ViewDocument; name: string }) =>
      views.update(of.view.id, { name: of.name, body: of.view.body, revision: of.view.revision }),
    onSuccess: keep,
    onSettled: (_, error) => settled(error),
  });
  const remove = useMutation({
    mutationFn: (view: ViewDocument) => views.remove(view.id),
    onSuccess: async () => {
      set(viewState(search));
      await views.gone(queries);
    },
  });
  return { create, save, rename, remove };
}

export type ViewActions = ReturnType<typeof useViewActions>;
