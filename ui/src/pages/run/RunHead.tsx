/** The head of a run's page: where it stands, what it is called, how it goes, and what can be done with it. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { neighboursQuery } from "~/api/runPage";
import type { RunDetail } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { NameField } from "~/components/NameField";
import { Copy, StateBadge, Swatch } from "~/components/parts";
import { colorIndex } from "~/model/colors";
import { formatAge, formatDuration, formatTime, runDuration } from "~/model/format";
import type { RunTab } from "~/model/search";
import { isActive } from "~/model/states";
import { ReproducedBadge } from "./ReproductionPanel";
import { RunActions } from "./RunActions";
import { useChange } from "./useChange";

const NAME_LENGTH_MAX = 200;

function Crumbs({ run }: { run: RunDetail }) {
  return (
    <div className="crumbs grow">
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
  );
}

function Neighbour(props: { to: string | undefined; name: string; tab: RunTab; back?: boolean }) {
  const { to, name, tab, back } = props;
  const icon = (
    <span className={back ? "turned" : "row"}>
      <Icon name="chevron" />
    </span>
  );
  if (!to) {
    return (
      <span className="button ghost icon off" aria-hidden="true">
        {icon}
      </span>
    );
  }
  return (
    <Link
      to="/runs/$id"
      params={{ id: to }}
      search={tab === "overview" ? {} : { tab }}
      className="button ghost icon"
      aria-label={name}
      title={name}
    >
      {icon}
    </Link>
  );
}

/** To the runs made before and after this one in its experiment; the tab stays. */
function Neighbours({ run, tab }: { run: RunDetail; tab: RunTab }) {
  const { data } = useQuery(neighboursQuery(run));
  return (
    <div className="row neighbours">
      <Neighbour to={data?.older} name="Older run of this experiment" tab={tab} back />
      <Neighbour to={data?.newer} name="Newer run of this experiment" tab={tab} />
    </div>
  );
}

function Name({ run }: { run: RunDetail }) {
  const change = useChange(run.id);
  return (
    <NameField
      name={run.name}
      of="run"
      most={NAME_LENGTH_MAX}
      pending={change.isPending}
      error={change.error}
      change={(name, done) => change.mutate({ name }, { onSuccess: done })}
    />
  );
}

export function RunHead({ run, tab }: { run: RunDetail; tab: RunTab }) {
  const now = useNow(isActive(run.state));
  const duration = runDuration(run, now);
  return (
    <header className="page-head run-head">
      <div className="row">
        <Crumbs run={run} />
        <Neighbours run={run} tab={tab} />
      </div>
      <div className="row wrap">
        <Swatch color={colorIndex(run.id)} />
        <Name key={run.id} run={run} />
        <StateBadge state={run.state} stopping={run.stop_requested} />
        <ReproducedBadge run={run} />
        <span className="grow" />
        <RunActions run={run} />
      </div>
      <div className="row wrap muted small run-facts">
        {duration !== undefined && <span title="Duration">{formatDuration(duration)}</span>}
        <span title={formatTime(run.created_at)}>created {formatAge(run.created_at, now)} ago</span>
        <span>by {run.owner}</span>
        {run.adapter && (
          <span>
            {run.adapter} {run.adapter_version}
          </span>
        )}
        {run.seed !== null && run.seed !== undefined && <span>seed {run.seed}</span>}
        {run.attempts.length > 1 && <span>attempt {run.attempt}</span>}
        <span>
          <Copy value={run.id} />
        </span>
      </div>
    </header>
  );
}
