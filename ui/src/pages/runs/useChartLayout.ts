/**
 * The layout of the chart grid: in the open view as it was saved; changes of it in the address while they
 * fit there, else in the page until they are saved as a view, whose document has room for them.
 */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { CHARTS_MAX, type RunsSearch } from "~/model/search";
import { sameLayout } from "~/model/views";

export interface ChartLayout {
  layout: unknown;
  set: (layout: unknown) => void;
  /** Whether a link does not hold it: it is lost with the page unless it is saved. */
  unlinked: boolean;
  /** Goes back to the view's own. */
  drop: () => void;
  /** What the address must say so that the layout stays when the view is left. */
  withoutView: () => Pick<RunsSearch, "charts">;
}

/** The layout as the address takes it; undefined where it is too long. */
function addressed(layout: unknown): Record<string, unknown> | undefined {
  if (typeof layout !== "object" || layout === null) return undefined;
  return JSON.stringify(layout).length <= CHARTS_MAX ? (layout as Record<string, unknown>) : undefined;
}

export function useChartLayout(
  search: RunsSearch,
  change: (next: Partial<RunsSearch>) => void,
  /** What the open view holds; undefined without one. */
  stored: { charts: unknown } | undefined,
): ChartLayout {
  const view = search.view ?? "";
  const [large, setLarge] = useState<{ view: string; layout: unknown }>();
  const held = useRef<{ key: string; charts: unknown } | undefined>(undefined);
  const key = `${view} ${search.rev ?? ""}`;
  // As it was when the view was opened here: what others save meanwhile is not taken silently.
  if (stored && held.current?.key !== key) held.current = { key, charts: stored.charts };
  const saved = stored && held.current?.charts;
  const own = large?.view === view ? large : undefined;
  const settled = useMemo(() => own !== undefined && sameLayout(own.layout, saved), [own, saved]);
  useEffect(() => {
    if (settled) setLarge(undefined);
  }, [settled]);
  const layout = own?.layout ?? search.charts ?? saved;
  const set = useCallback(
    (next: unknown) => {
      const charts = addressed(next);
      setLarge(charts ? undefined : { view, layout: next });
      change({ charts });
    },
    [change, view],
  );
  return {
    layout,
    set,
    unlinked: own !== undefined && !settled,
    drop: () => setLarge(undefined),
    withoutView: () => {
      const charts = addressed(layout);
      setLarge(charts || layout === undefined ? undefined : { view: "", layout });
      return { charts };
    },
  };
}
