/** One run: its head and tabs. Each tab fetches what it shows. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type ComponentType, lazy, Suspense } from "react";
import { runQuery } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import { ErrorNotice, Loading } from "~/components/parts";
import { type RunTab, readTab } from "~/model/search";
import { RunHead } from "./RunHead";
import { RunTabs } from "./RunTabs";

const route = getRouteApi("/runs/$id");

export interface TabProps {
  run: RunDetail;
}

const BODIES: Record<RunTab, ComponentType<TabProps>> = {
  overview: lazy(() => import("./OverviewTab")),
  charts: lazy(() => import("./ChartsTab")),
  evaluation: lazy(() => import("./EvaluationTab")),
  try: lazy(() => import("../try/TryTab")),
  media: lazy(() => import("./MediaTab")),
  logs: lazy(() => import("./LogsTab")),
  config: lazy(() => import("./ConfigTab")),
  system: lazy(() => import("./SystemTab")),
  artifacts: lazy(() => import("./ArtifactsTab")),
  provenance: lazy(() => import("./ProvenanceTab")),
};

export function RunPage() {
  const { id } = route.useParams();
  const tab = readTab(route.useSearch().tab);
  const query = useQuery(runQuery(id));
  if (query.isPending) {
    return (
      <div className="page">
        <div className="page-head">
          <Loading lines={3} />
        </div>
      </div>
    );
  }
  if (query.isError) {
    return (
      <div className="page">
        <div className="page-head">
          <ErrorNotice error={query.error} retry={() => void query.refetch()} />
        </div>
      </div>
    );
  }
  const Body = BODIES[tab];
  const filled = tab === "logs";
  return (
    <div className={`page run-page ${filled ? "fixed" : ""}`}>
      <RunHead run={query.data} tab={tab} />
      <RunTabs run={query.data} tab={tab} />
      <div className={`tab-body ${filled ? "fill" : ""}`}>
        <Suspense fallback={<Loading />}>
          <Body key={query.data.id} run={query.data} />
        </Suspense>
      </div>
    </div>
  );
}
