/** What a version comes from: the run, its data, and its place among the verified results of its project. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { standingsQuery } from "~/api/registry";
import type { ModelVersionDetail, RunSummary } from "~/api/types";
import { ErrorNotice, Facts, Loading, Panel, StateBadge, Swatch } from "~/components/parts";
import { colorIndex } from "~/model/colors";
import { formatCount } from "~/model/format";
import { evaluatedMetrics } from "~/model/registry";
import { DatasetLink } from "./DatasetLink";

const route = getRouteApi("/models/$name/$version");

function RunFacts({ run }: { run: RunSummary }) {
  return (
    <Facts
      items={[
        [
          "Run",
          <span key="r" className="row wrap">
            <Swatch color={colorIndex(run.id)} />
            <Link className="link" to="/runs/$id" params={{ id: run.id }}>
              {run.name}
            </Link>
            <StateBadge state={run.state} />
            {run.deleted_at && <span className="badge warn">deleted, can be restored</span>}
          </span>,
        ],
        [
          "Experiment",
          <Link
            key="e"
            className="link"
            to="/p/$project"
            params={{ project: run.project }}
            search={{ experiment: run.experiment }}
          >
            {run.project} / {run.experiment}
          </Link>,
        ],
        ["Adapter", run.adapter ? `${run.adapter} ${run.adapter_version ?? ""}` : undefined],
        ["Seed", run.seed ?? undefined],
        ["Dataset", run.dataset ? <DatasetLink key="d" dataset={run.dataset} /> : undefined],
      ]}
    />
  );
}

function Places(props: { model: string; version: number; metric: string; project: string }) {
  const { metric, project } = props;
  const query = useQuery(standingsQuery(props.model, props.version, metric));
  if (query.isPending) return <Loading lines={1} />;
  if (query.isError) return <ErrorNotice error={query.error} />;
  if (query.data.length === 0) {
    return (
      <p className="muted">
        On no board of this metric: only verified results of runs that are there are ranked.{" "}
        <Link className="link" to="/leaderboard" search={{ metric, project }}>
          See why
        </Link>
      </p>
    );
  }
  return (
    <ul className="stack tight" aria-label="Places">
      {query.data.map((one) => (
        <li key={one.dataset} className="row wrap">
          <span>
            <b>place {one.rank}</b> of {formatCount(one.total)} on {one.dataset}
          </span>
          <Link className="link small" to="/leaderboard" search={{ metric, project }}>
            Leaderboard
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Standing({ detail, run }: { detail: ModelVersionDetail; run: RunSummary }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const metrics = evaluatedMetrics(detail.evaluations);
  const metric = search.metric ?? metrics[0];
  if (metric === undefined) return null;
  const options = metrics.includes(metric) ? metrics : [metric, ...metrics];
  return (
    <div className="stack tight standing">
      <label className="row wrap small muted">
        Place on the leaderboard by
        <select
          className="select board-choice"
          value={metric}
          onChange={(event) => void navigate({ search: { metric: event.target.value }, replace: true })}
        >
          {options.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <Places
        model={detail.version.model}
        version={detail.version.version}
        metric={metric}
        project={run.project}
      />
    </div>
  );
}

export function LineagePanel({ detail }: { detail: ModelVersionDetail }) {
  const { run } = detail;
  return (
    <Panel title="Comes from">
      {run ? (
        <div className="stack">
          <RunFacts run={run} />
          <Standing detail={detail} run={run} />
        </div>
      ) : (
        <p className="muted">
          No run of this hub: it was registered by its source alone, so there is nothing to hold a gate
          against.
        </p>
      )}
    </Panel>
  );
}
