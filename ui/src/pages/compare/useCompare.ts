/** The comparison a link names: its answer, colours, and how to change the link. */

import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { compareQuery } from "~/api/queries";
import type { Comparison } from "~/api/types";
import { assignColors } from "~/model/colors";
import { baselineId, type CompareSearch, shownIds } from "~/model/compare";
import { type GroupTest, readTests } from "~/model/compareTests";
import { readIds } from "~/model/search";

/** What every part of the page is given. */
export interface PartProps {
  comparison: Comparison;
  tests: readonly GroupTest[];
  /** Its place among the runs; a comparison always has one. */
  baseline: number;
  colors: ReadonlyMap<string, number>;
  search: CompareSearch;
  change: (by: (search: CompareSearch) => CompareSearch) => void;
}

export function useCompare() {
  const search = useSearch({ from: "/compare" });
  const navigate = useNavigate({ from: "/compare" });
  const router = useRouter();
  const ids = useMemo(() => readIds(search.runs), [search.runs]);
  const shown = useMemo(() => shownIds(search), [search]);
  const query = useQuery(compareQuery(shown));
  // A hidden run keeps its colour, so that the others keep theirs.
  const colors = useMemo(() => assignColors(ids), [ids]);
  const tests = useMemo(
    () => readTests((query.data as { tests?: unknown } | undefined)?.tests),
    [query.data],
  );
  const change = useCallback(
    (by: (search: CompareSearch) => CompareSearch) => {
      // On the way to another page there is nothing to change any more.
      if (router.latestLocation.pathname !== "/compare") return;
      // The part a link led to stays in the address, and the page where it is.
      void navigate({ search: by, replace: true, resetScroll: false, hash: true, hashScrollIntoView: false });
    },
    [navigate, router],
  );
  const wanted = baselineId(search);
  const at = query.data?.runs.findIndex((run) => run.id === wanted) ?? -1;
  return { search, change, ids, shown, query, colors, tests, baseline: Math.max(0, at) };
}
