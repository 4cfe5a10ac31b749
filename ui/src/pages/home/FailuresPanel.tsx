/** The newest runs that failed or were lost, each with why. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { runsInStatesQuery } from "~/api/queries";
import { useNow } from "~/components/hooks";
import { ErrorNotice, Loading, Panel, StateBadge } from "~/components/parts";
import { formatAge, formatTime, plural } from "~/model/format";
import { stateText } from "~/model/states";

const SHOWN_MAX = 6;
const STATES = ["failed", "lost"] as const;

export function FailuresPanel() {
  const query = useQuery(runsInStatesQuery(STATES, SHOWN_MAX));
  const now = useNow(false);
  const runs = query.data?.runs ?? [];
  return (
    <Panel
      title="Failed"
      aside={
        runs.length > 0 && (
          <Link className="link" to="/" search={{ state: STATES.join(",") }}>
            {plural(query.data?.total ?? 0, "run")}
          </Link>
        )
      }
      flush
    >
      {query.isPending && (
        <div className="inside">
          <Loading lines={3} />
        </div>
      )}
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {query.data && runs.length === 0 && (
        <p className="inside muted">No run has failed. When one does, this says why.</p>
      )}
      <ul>
        {runs.map((run) => (
          <li key={run.id} className="event-row">
            <div className="row">
              <StateBadge state={run.state} />
              <Link className="truncate strong grow" to="/runs/$id" params={{ id: run.id }}>
                {run.name}
              </Link>
              <span className="faint small nowrap" title={formatTime(run.ended_at ?? run.created_at)}>
                {formatAge(run.ended_at ?? run.created_at, now)}
              </span>
            </div>
            <p className="small clamp">{run.failure?.message ?? stateText(run.state)}</p>
            {run.failure?.evidence?.[0] && (
              <p className="faint small mono truncate" title={run.failure.evidence.join("\n")}>
                {run.failure.evidence.at(-1)}
              </p>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
