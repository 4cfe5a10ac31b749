/** Several runs side by side: metrics with intervals, seeds, config, curves. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { compareQuery } from "~/api/queries";
import type { RunSummary } from "~/api/types";
import { Icon } from "~/components/Icon";
import { Empty, ErrorNotice, Loading, Notice, StateBadge, Swatch } from "~/components/parts";
import { assignColors } from "~/model/colors";
import { plural } from "~/model/format";
import { readIds } from "~/model/search";
import { CompareCharts } from "./CompareCharts";
import { ConfigDiff } from "./ConfigDiff";
import { GroupTable } from "./GroupTable";
import { MetricTable } from "./MetricTable";

const CompareAnalysis = lazy(() => import("./CompareAnalysis"));
const CompareEvaluations = lazy(() => import("./CompareEvaluations"));

const route = getRouteApi("/compare");

function RunChips({ runs, colors }: { runs: readonly RunSummary[]; colors: ReadonlyMap<string, number> }) {
  const navigate = useNavigate();
  const without = (id: string) =>
    navigate({
      to: "/compare",
      search: {
        runs: runs
          .filter((run) => run.id !== id)
          .map((run) => run.id)
          .join(","),
      },
    });
  return (
    <ul className="row wrap" aria-label="Runs compared">
      {runs.map((run) => (
        <li key={run.id} className="chip">
          <Swatch color={colors.get(run.id) ?? 0} />
          <Link to="/runs/$id" params={{ id: run.id }}>
            {run.name}
          </Link>
          {run.state !== "finished" && <StateBadge state={run.state} />}
          <button type="button" aria-label={`Remove ${run.name}`} onClick={() => void without(run.id)}>
            <Icon name="close" size={12} />
          </button>
        </li>
      ))}
    </ul>
  );
}

export function ComparePage() {
  const text = route.useSearch().runs;
  const ids = useMemo(() => readIds(text), [text]);
  const query = useQuery(compareQuery(ids));
  const colors = useMemo(() => assignColors(query.data?.runs.map((run) => run.id) ?? []), [query.data]);
  if (ids.length < 2) {
    return (
      <Empty
        title="Nothing to compare yet"
        commands={[["mlhub compare RUN RUN", "the same comparison in a terminal"]]}
      >
        <p>
          Check two or more runs in the{" "}
          <Link to="/" className="link">
            runs table
          </Link>{" "}
          and press Compare.
        </p>
      </Empty>
    );
  }
  return (
    <div className="page">
      <div className="page-head">
        <div className="crumbs">
          <Link to="/">Runs</Link>
          <span aria-hidden="true">/</span>
          <span>Compare</span>
        </div>
        <h1>Comparison of {plural(ids.length, "run")}</h1>
        {query.data && <RunChips runs={query.data.runs} colors={colors} />}
      </div>
      <div className="page-body">
        {query.isPending && <Loading lines={8} />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data && (
          <>
            {query.data.warnings.map((warning) => (
              <Notice key={warning} tone="warn">
                {warning}
              </Notice>
            ))}
            <GroupTable groups={query.data.groups} metrics={query.data.metrics} />
            <MetricTable runs={query.data.runs} metrics={query.data.metrics} colors={colors} />
            <ConfigDiff runs={query.data.runs} rows={query.data.config} colors={colors} />
            <Suspense fallback={<Loading />}>
              <CompareAnalysis runs={query.data.runs} colors={colors} />
              <CompareEvaluations runs={query.data.runs} colors={colors} />
            </Suspense>
            <CompareCharts runs={query.data.runs} colors={colors} />
          </>
        )}
      </div>
    </div>
  );
}
