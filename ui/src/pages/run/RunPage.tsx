/** One run: its head and tabs. Each tab fetches what it shows. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type ComponentType, lazy, Suspense } from "react";
import { client } from "~/api/client";
import { keys, runQuery } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { Copy, ErrorNotice, Loading, StateBadge, Swatch } from "~/components/parts";
import { colorIndex } from "~/model/colors";
import { formatAge, formatDuration, formatTime, runDuration } from "~/model/format";
import { RUN_TABS, type RunTab, readTab } from "~/model/search";
import { isActive } from "~/model/states";
import { useLeftModel } from "../try/useModel";

const route = getRouteApi("/runs/$id");

export interface TabProps {
  run: RunDetail;
}

const TABS: Record<RunTab, { title: string; Body: ComponentType<TabProps> }> = {
  overview: { title: "Overview", Body: lazy(() => import("./OverviewTab")) },
  charts: { title: "Charts", Body: lazy(() => import("./ChartsTab")) },
  evaluation: { title: "Evaluation", Body: lazy(() => import("./EvaluationTab")) },
  try: { title: "Try it", Body: lazy(() => import("../try/TryTab")) },
  media: { title: "Media", Body: lazy(() => import("./MediaTab")) },
  logs: { title: "Logs", Body: lazy(() => import("./LogsTab")) },
  config: { title: "Config", Body: lazy(() => import("./ConfigTab")) },
  system: { title: "System", Body: lazy(() => import("./SystemTab")) },
  artifacts: { title: "Artifacts", Body: lazy(() => import("./ArtifactsTab")) },
  provenance: { title: "Provenance", Body: lazy(() => import("./ProvenanceTab")) },
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
  const { Body } = TABS[tab];
  return (
    <div className={`page ${tab === "logs" ? "fixed" : ""}`}>
      <RunHead run={query.data} />
      <Tabs run={query.data} tab={tab} />
      <div className={`tab-body ${tab === "logs" ? "fill" : ""}`}>
        <Suspense fallback={<Loading />}>
          <Body run={query.data} />
        </Suspense>
      </div>
    </div>
  );
}

/** The tab "Try it" is there when the run left a model, and on a link that names it. */
function Tabs({ run, tab }: { run: RunDetail; tab: RunTab }) {
  const { id } = route.useParams();
  const model = useLeftModel(run);
  return (
    <nav className="tabs" aria-label="Parts of the run">
      {RUN_TABS.filter((one) => one !== "try" || one === tab || model.data === true).map((one) => (
        <Link
          key={one}
          to="/runs/$id"
          params={{ id }}
          search={one === "overview" ? {} : { tab: one }}
          className="tab"
          activeOptions={{ exact: true, includeSearch: true }}
          aria-current={one === tab ? "page" : undefined}
          replace
        >
          {TABS[one].title}
        </Link>
      ))}
    </nav>
  );
}

function StopButton({ run }: { run: RunDetail }) {
  const queries = useQueryClient();
  const stop = useMutation({
    mutationFn: () => client.stopRun(run.id),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: keys.run(run.id) }),
        queries.invalidateQueries({ queryKey: keys.runs }),
      ]),
  });
  if (!isActive(run.state)) return null;
  return (
    <>
      <button
        type="button"
        className="button danger"
        disabled={run.stop_requested || stop.isPending}
        onClick={() => {
          if (window.confirm(`Stop ${run.name}? Its program gets time to save before it is ended.`))
            stop.mutate();
        }}
      >
        <Icon name="stop" size={13} /> {run.stop_requested ? "Stopping" : "Stop"}
      </button>
      {stop.isError && <span className="badge bad">{stop.error.message}</span>}
    </>
  );
}

function RunHead({ run }: { run: RunDetail }) {
  const now = useNow(isActive(run.state));
  return (
    <div className="page-head">
      <div className="crumbs">
        <Link to="/">Runs</Link>
        <span aria-hidden="true">/</span>
        <Link to="/p/$project" params={{ project: run.project }}>
          {run.project}
        </Link>
        <span aria-hidden="true">/</span>
        <Link
          to="/p/$project"
          params={{ project: run.project }}
          search={{ experiment: run.experiment }}
          className="truncate"
        >
          {run.experiment}
        </Link>
      </div>
      <div className="row wrap">
        <Swatch color={colorIndex(run.id)} />
        <h1 className="truncate" title={run.name}>
          {run.name}
        </h1>
        <StateBadge state={run.state} stopping={run.stop_requested} />
        <span className="grow" />
        <Link
          to="/new"
          search={{ from: run.id }}
          className="button"
          title="A new experiment that starts as this one"
        >
          Clone
        </Link>
        <StopButton run={run} />
      </div>
      <div className="row wrap muted small" style={{ gap: "4px 16px" }}>
        <span title="Duration">{formatDuration(runDuration(run, now))}</span>
        <span title={formatTime(run.created_at)}>created {formatAge(run.created_at, now)} ago</span>
        {run.adapter && (
          <span>
            {run.adapter} {run.adapter_version}
          </span>
        )}
        {run.seed !== null && run.seed !== undefined && <span>seed {run.seed}</span>}
        <span>
          <Copy value={run.id} />
        </span>
      </div>
    </div>
  );
}
