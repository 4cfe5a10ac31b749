/** Search through a whole log on the hub: matches come page by page, and the reader steps through them. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { LOG_MATCHES_MAX, type LogMatch, type LogPlace, logSearchQuery } from "~/api/runPage";

export interface LogSearch {
  matches: readonly LogMatch[];
  /** The match the reader stands at, from 0; undefined when there is none. */
  at: number | undefined;
  current: LogMatch | undefined;
  /** Whether the log was not searched to its end yet. */
  more: boolean;
  searching: boolean;
  error: Error | null;
  step: (by: number) => void;
  /** Searches on after it stopped at many matches. */
  goOn: () => void;
}

/** `began` is the offset the search starts at, when a link brought it. */
export function useLogSearch(
  place: LogPlace,
  text: string,
  began: number | undefined,
  found: (match: LogMatch) => void,
): LogSearch {
  const [cursor, setCursor] = useState<{ text: string; at: number }>();
  const [limit, setLimit] = useState(LOG_MATCHES_MAX);
  const query = useInfiniteQuery(logSearchQuery(place, text));
  const { hasNextPage, isFetching, isError, fetchNextPage } = query;
  const matches = text === "" ? [] : (query.data?.pages.flatMap((page) => page.matches) ?? []);
  const count = matches.length;

  useEffect(() => {
    if (hasNextPage && !isFetching && !isError && count < limit) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, count, limit, fetchNextPage]);

  const at = cursor?.text === text && cursor.at < count ? cursor.at : undefined;
  const first = matches[0];
  // A new text begins at its first match; one that a link brought stays where the link points.
  useEffect(() => {
    if (first === undefined || cursor?.text === text) return;
    setCursor({ text, at: 0 });
    if (began === undefined) found(first);
  }, [first, cursor, text, began, found]);

  return {
    matches,
    at,
    current: at === undefined ? undefined : matches[at],
    more: hasNextPage,
    searching: isFetching,
    error: query.error,
    step: (by) => {
      if (count === 0) return;
      const next = ((at ?? 0) + by + count) % count;
      setCursor({ text, at: next });
      const match = matches[next];
      if (match) found(match);
    },
    goOn: () => setLimit(count + LOG_MATCHES_MAX),
  };
}
