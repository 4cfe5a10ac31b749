/** Runs that go on now, with how far each says it is. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { progressQuery, runsInStatesQuery } from "~/api/queries";
import type { RunFound } from "~/api/types";
import { useNow } from "~/components/hooks";
import { ErrorNotice, Loading, Panel, StateBadge, Swatch } from "~/components/parts";
import { readProgress, timeLeft } from "~/model/activity";
import { colorIndex } from "~/model/colors";
import { formatDuration, formatNumber, plural, runDuration } from "~/model/format";

const SHOWN_MAX = 12;
const STATES = ["running", "queued"] as const;

function ProgressLine({ run, now }: { run: RunFound; now: number }) {
  const record = useQuery({ ...progressQuery(run.id), enabled: run.state === "running" }).data;
  const progress = record && record.attempt === run.attempt ? readProgress(record.body) : undefined;
  if (!progress) {
    return (
      <span className="faint small">{run.state === "queued" ? "waits to start" : "tells no progress"}</span>
    );
  }
  const left = timeLeft(progress, run.started_at, now);
  const count =
    progress.total === undefined
      ? `${formatNumber(progress.done)} done`
      : `${formatNumber(progress.done)} of ${formatNumber(progress.total)}`;
  return (
    <div className="progress-line">
      {progress.share !== undefined && (
        <progress value={progress.share} max={1} aria-label={`Progress of ${run.name}`} />
      )}
      <span className="muted small truncate">
        {count}
        {progress.message && `, ${progress.message}`}
        {left !== undefined && `, about ${formatDuration(left)} left`}
      </span>
    </div>
  );
}

function Row({ run, now }: { run: RunFound; now: number }) {
  return (
    <li className="work-row">
      <Swatch color={colorIndex(run.id)} />
      <div className="work-name">
        <Link className="truncate strong" to="/runs/$id" params={{ id: run.id }}>
          {run.name}
        </Link>
        <span className="faint small truncate">
          {run.project} / {run.experiment}
        </span>
      </div>
      <ProgressLine run={run} now={now} />
      <StateBadge state={run.state} stopping={run.stop_requested} />
      <span className="muted num">{formatDuration(runDuration(run, now))}</span>
    </li>
  );
}

export function RunningPanel() {
  const query = useQuery(runsInStatesQuery(STATES, SHOWN_MAX, "started"));
  const runs = query.data?.runs ?? [];
  const now = useNow(runs.length > 0);
  const total = query.data?.total ?? 0;
  return (
    <Panel
      title="Running now"
      aside={
        total > 0 && (
          <Link className="link" to="/" search={{ state: STATES.join(",") }}>
            {plural(total, "run")}
          </Link>
        )
      }
      flush
    >
      {query.isPending && (
        <div className="inside">
          <Loading lines={2} />
        </div>
      )}
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {query.data && runs.length === 0 && (
        <p className="inside muted">
          Nothing runs. <code>mlhub run experiment.yaml</code> starts an experiment; it appears here at once.
        </p>
      )}
      {runs.length > 0 && (
        <ul>
          {runs.map((run) => (
            <Row key={run.id} run={run} now={now} />
          ))}
        </ul>
      )}
    </Panel>
  );
}
