/** The chart grid's settings: in the address while they fit there, else kept for the page alone. */

import { useCallback, useState } from "react";
import { CHARTS_MAX, type RunsSearch } from "~/model/search";

export function useChartLayout(
  search: RunsSearch,
  change: (next: Partial<RunsSearch>) => void,
): [unknown, (layout: unknown) => void] {
  const [large, setLarge] = useState<unknown>();
  const set = useCallback(
    (layout: unknown) => {
      const fits = JSON.stringify(layout ?? null).length <= CHARTS_MAX;
      const charts =
        fits && typeof layout === "object" && layout !== null
          ? (layout as Record<string, unknown>)
          : undefined;
      setLarge(charts ? undefined : layout);
      change({ charts });
    },
    [change],
  );
  return [search.charts ?? large, set];
}
