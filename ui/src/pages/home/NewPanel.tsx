/** The newest runs and datasets together, newest first. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { datasetsQuery, runsInStatesQuery } from "~/api/queries";
import { useNow } from "~/components/hooks";
import { ErrorNotice, Loading, Panel, StateBadge } from "~/components/parts";
import { lastHappened, newestByExperiment } from "~/model/activity";
import { formatAge, formatTime } from "~/model/format";

const SHOWN_MAX = 8;
/** Newest runs looked at; those of one experiment share a line. */
const LOOKED_AT_MAX = 100;
const ENDED = ["finished", "stopped"] as const;

interface Item {
  key: string;
  at: number;
  mark: ReactNode;
  name: ReactNode;
  where: string;
}

function useItems() {
  const runs = useQuery(runsInStatesQuery(ENDED, LOOKED_AT_MAX));
  const datasets = useQuery(datasetsQuery());
  const made = newestByExperiment(runs.data?.runs ?? []).map(
    ({ run, more }): Item => ({
      key: `run ${run.id}`,
      at: lastHappened(run),
      mark: <StateBadge state={run.state} />,
      name: (
        <Link className="truncate strong" to="/runs/$id" params={{ id: run.id }}>
          {run.name}
        </Link>
      ),
      where: `${run.project} / ${run.experiment}${more > 0 ? `, and ${more} more` : ""}`,
    }),
  );
  const added = (datasets.data?.datasets ?? []).map(
    (one): Item => ({
      key: `dataset ${one.name}`,
      at: one.created_at,
      mark: <span className="badge accent">dataset</span>,
      name: (
        <Link className="truncate strong" to="/datasets/$name" params={{ name: one.name }}>
          {one.name}
        </Link>
      ),
      where: `version ${one.latest_version}`,
    }),
  );
  const items = [...made, ...added].sort((a, b) => b.at - a.at).slice(0, SHOWN_MAX);
  return { items, pending: runs.isPending, error: runs.error, again: () => void runs.refetch() };
}

export function NewPanel() {
  const { items, pending, error, again } = useItems();
  const now = useNow(false);
  return (
    <Panel title="New" flush>
      {pending && (
        <div className="inside">
          <Loading lines={3} />
        </div>
      )}
      {error && <ErrorNotice error={error} retry={again} />}
      {!pending && items.length === 0 && (
        <p className="inside muted">Ended runs and new datasets appear here.</p>
      )}
      <ul>
        {items.map((item) => (
          <li key={item.key} className="event-row">
            <div className="row">
              {item.mark}
              {item.name}
              <span className="faint small truncate grow">{item.where}</span>
              <span className="faint small nowrap" title={formatTime(item.at)}>
                {formatAge(item.at, now)}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
