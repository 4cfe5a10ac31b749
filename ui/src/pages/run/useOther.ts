/** The run that this one is compared with on a tab; the address holds it. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { runQuery } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import type { RunTab } from "~/model/search";

const route = getRouteApi("/runs/$id");

export interface Other {
  id: string | undefined;
  run: RunDetail | undefined;
  error: Error | null;
  choose: (id: string | undefined) => void;
}

export function useOther(tab: RunTab): Other {
  const { other } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery({ ...runQuery(other ?? ""), enabled: other !== undefined });
  return {
    id: other,
    run: other === undefined ? undefined : query.data,
    error: query.error,
    choose: (id) => void navigate({ search: { tab, ...(id && { other: id }) }, replace: true }),
  };
}
