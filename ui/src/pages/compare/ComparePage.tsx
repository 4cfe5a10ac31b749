/** Several runs side by side: what differs, what wins by which test, and all that may explain it. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, memo, Suspense, useMemo, useRef } from "react";
import { presentQuery } from "~/api/documents";
import { ApiError } from "~/api/http";
import { Empty, ErrorNotice, Loading, Notice } from "~/components/parts";
import { readCompareSearch, removed } from "~/model/compare";
import { plural } from "~/model/format";
import type { ReportPanel } from "~/model/report";
import { AddPanel } from "./AddPanel";
import { CodePart } from "./CodePart";
import { CompareCharts } from "./CompareCharts";
import { ConfigPart } from "./ConfigPart";
import { EnvironmentPart } from "./EnvironmentPart";
import { EvaluationPart } from "./EvaluationPart";
import { LinkButton } from "./LinkButton";
import { MediaPart } from "./MediaPart";
import { MetricPart } from "./MetricPart";
import { Outline } from "./Outline";
import { RowsPart } from "./RowsPart";
import { RunStrip } from "./RunStrip";
import { Section } from "./Section";
import { SummaryPart } from "./SummaryPart";
import { type PartProps, useCompare } from "./useCompare";
import { usePart } from "./usePart";

function NothingYet() {
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

const CompareAnalysis = lazy(() => import("./CompareAnalysis"));

/** A run that is gone stops the whole comparison: told with the way on without it. */
function Failed(props: {
  error: Error;
  ids: readonly string[];
  retry: () => void;
  change: PartProps["change"];
}) {
  const { error, ids, change } = props;
  const missing = error instanceof ApiError && error.status === 404;
  const present = useQuery({ ...presentQuery(ids), enabled: missing });
  const known = new Set(present.data?.runs.map((run) => run.id) ?? ids);
  const gone = missing ? ids.filter((id) => !known.has(id)) : [];
  if (gone.length === 0) return <ErrorNotice error={error} retry={props.retry} />;
  return (
    <Notice tone="warn">
      <h2>{plural(gone.length, "run")} of this link cannot be found</h2>
      <p>
        Purged, or of another hub: <code>{gone.join(", ")}</code>
      </p>
      <div>
        <button type="button" className="button" onClick={() => change((search) => removed(search, gone))}>
          Compare the others
        </button>
      </div>
    </Notice>
  );
}

/** Panels that hold what the page shows now. */
function panelsOf({ comparison, search, baseline }: PartProps): ReportPanel[] {
  const runs = comparison.runs.map((run) => run.id);
  const base = runs[baseline];
  const common = { runs, ...(base && { baseline: base }) };
  return [
    { kind: "metrics", by: search.by ?? "runs", metrics: [], ...common },
    { kind: "config", ...common },
  ];
}

/** The part props without what only the analysis and the media look at, the same object while it says the same. */
function useCommon(props: PartProps): PartProps {
  const { comparison, tests, baseline, colors, change, search } = props;
  const { runs, baseline: chosen, hidden, by, sort, all, pair } = search;
  return useMemo(
    () => ({
      comparison,
      tests,
      baseline,
      colors,
      change,
      search: readCompareSearch({ runs, baseline: chosen, hidden, by, sort, all, pair }),
    }),
    [comparison, tests, baseline, colors, change, runs, chosen, hidden, by, sort, all, pair],
  );
}

/** Parts that a brush in the analysis or another step of the media does not concern: they are not drawn for it. */
const Measured = memo(function Measured(props: PartProps) {
  const { comparison } = props;
  return (
    <>
      <Section id="summary" title="In words" eager>
        {() => <SummaryPart {...props} />}
      </Section>
      <Section id="metrics" title={plural(comparison.metrics.length, "metric")} eager>
        {() => <MetricPart {...props} />}
      </Section>
      <Section id="config" title="Config">
        {() => <ConfigPart {...props} />}
      </Section>
      <Section id="curves" title="Curves">
        {() => <CompareCharts runs={comparison.runs} colors={props.colors} />}
      </Section>
      <Section id="evaluation" title="Evaluation">
        {() => <EvaluationPart {...props} />}
      </Section>
      <Section id="rows" title="Row by row">
        {() => <RowsPart {...props} />}
      </Section>
    </>
  );
});

const Origins = memo(function Origins(props: PartProps) {
  return (
    <>
      <Section id="code" title="Code">
        {() => <CodePart {...props} />}
      </Section>
      <Section id="environment" title="Environment and data">
        {() => <EnvironmentPart {...props} />}
      </Section>
    </>
  );
});

function Parts(props: PartProps) {
  const common = useCommon(props);
  const parts = useRef<HTMLDivElement>(null);
  usePart(parts);
  return (
    <div className="compare-layout">
      <Outline />
      <div className="stack" ref={parts}>
        <Measured {...common} />
        <Section id="analysis" title="Analysis">
          {() => (
            <Suspense fallback={<Loading />}>
              <CompareAnalysis {...props} />
            </Suspense>
          )}
        </Section>
        <Section id="media" title="Media">
          {() => <MediaPart {...props} />}
        </Section>
        <Origins {...common} />
      </div>
    </div>
  );
}

export function ComparePage() {
  const { search, change, ids, shown, query, colors, tests, baseline } = useCompare();
  if (ids.length === 0) return <NothingYet />;
  const comparison = query.data;
  const props = comparison && { comparison, tests, baseline, colors, search, change };
  return (
    <div className="page">
      <div className="page-head">
        <div className="crumbs">
          <Link to="/">Runs</Link>
          <span aria-hidden="true">/</span>
          <span>Compare</span>
        </div>
        <div className="row wrap">
          <h1 className="grow">Comparison of {plural(shown.length, "run")}</h1>
          <LinkButton />
          {props && <AddPanel panel={() => panelsOf(props)} />}
        </div>
        <RunStrip
          search={search}
          change={change}
          colors={colors}
          runs={comparison?.runs ?? []}
          baseline={comparison?.runs[baseline]?.id}
        />
      </div>
      <div className="page-body">
        {shown.length === 0 && <Notice>All runs are hidden. Show at least one of them.</Notice>}
        {query.isPending && shown.length > 0 && <Loading lines={8} />}
        {query.isError && (
          <Failed error={query.error} ids={ids} retry={() => void query.refetch()} change={change} />
        )}
        {props && shown.length > 0 && !query.isError && (
          <>
            {props.comparison.warnings.map((warning) => (
              <Notice key={warning} tone="warn">
                {warning}
              </Notice>
            ))}
            <Parts {...props} />
          </>
        )}
      </div>
    </div>
  );
}
