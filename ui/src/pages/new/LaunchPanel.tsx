/** A launch on its way: its steps, what its preparation says, and its runs once they are made. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { client } from "~/api/client";
import { launchQuery, runQuery } from "~/api/queries";
import type { LaunchView } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { ErrorNotice, Loading, Notice, StateBadge } from "~/components/parts";
import { formatDuration } from "~/model/format";
import { isLaunchOver, type LaunchState, launchSteps } from "~/model/launch";
import { OutputBox } from "./OutputBox";

/** Runs whose state is followed here; the others are counted. */
const RUNS_SHOWN = 12;

function Steps({ launch }: { launch: LaunchView }) {
  const [last, setLast] = useState<LaunchState>("starting");
  useEffect(() => {
    if (!isLaunchOver(launch.state)) setLast(launch.state);
  }, [launch.state]);
  const marks = { done: "check", broken: "close" } as const;
  const words = { done: "done", now: "under way", broken: "ended here", ahead: "not yet" };
  return (
    <ol className="launch-steps">
      {launchSteps(launch.state, last).map((step) => (
        <li key={step.name} className={step.standing}>
          <span className="mark">
            {(step.standing === "done" || step.standing === "broken") && (
              <Icon name={marks[step.standing]} size={12} />
            )}
          </span>
          <span>
            {step.name} <span className="visually-hidden">{words[step.standing]}</span>
            <span className="faint small"> {step.about}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

function RunLine({ id }: { id: string }) {
  const run = useQuery(runQuery(id)).data;
  return (
    <li>
      <Link to="/runs/$id" params={{ id }} className="link grow truncate">
        {run?.name ?? id}
      </Link>
      {run && <StateBadge state={run.state} stopping={run.stop_requested} />}
    </li>
  );
}

function Runs({ runs }: { runs: readonly string[] }) {
  return (
    <>
      <ul className="launch-runs" aria-label="Runs">
        {runs.slice(0, RUNS_SHOWN).map((id) => (
          <RunLine key={id} id={id} />
        ))}
      </ul>
      {runs.length > RUNS_SHOWN && <p className="muted">and {runs.length - RUNS_SHOWN} more</p>}
      {runs.length > 1 && (
        <div>
          <Link to="/compare" search={{ runs: runs.join(",") }} className="button">
            <Icon name="compare" /> Compare them
          </Link>
        </div>
      )}
    </>
  );
}

function Output({ launch }: { launch: LaunchView }) {
  const dropped = launch.output_dropped;
  if (launch.output.length === 0) return null;
  const before = dropped > 0 ? [`… ${dropped} lines before these`] : [];
  return (
    <details open={launch.state !== "started"}>
      <summary>Output of the preparation</summary>
      <OutputBox label="Output" text={[...before, ...launch.output].join("\n")} toEnd />
    </details>
  );
}

export function LaunchPanel({ id, dismiss }: { id: string; dismiss: () => void }) {
  const queries = useQueryClient();
  const query = useQuery(launchQuery(id));
  const launch = query.data;
  const over = launch !== undefined && isLaunchOver(launch.state);
  const now = useNow(!over);
  const stop = useMutation({
    mutationFn: () => client.launchStop(id),
    onSuccess: (view) => queries.setQueryData(launchQuery(id).queryKey, view),
  });
  const title = launch?.mode === "smoke" ? "Smoke run" : "Launch";
  return (
    <section className="panel" aria-label={title}>
      <header>
        <h2 className="grow">{title}</h2>
        {launch && (
          <span className="muted small">
            {formatDuration((over ? launch.updated_at : now) - launch.created_at)}
          </span>
        )}
        {launch && !over && (
          <button
            type="button"
            className="button danger"
            disabled={stop.isPending}
            onClick={() => stop.mutate()}
          >
            <Icon name="stop" /> Stop
          </button>
        )}
        {(over || query.isError) && (
          <button type="button" className="button ghost icon" aria-label="Dismiss" onClick={dismiss}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <div className="inside stack" role="status">
        {query.isPending && <Loading lines={3} />}
        {query.isError && <ErrorNotice error={query.error} />}
        {stop.isError && <ErrorNotice error={stop.error} />}
        {launch && <Steps launch={launch} />}
        {launch?.message && (
          <Notice tone={launch.state === "stopped" ? "warn" : "bad"}>
            <h3>{{ failed: "It failed", stopped: "Stopped", lost: "Lost" }[launch.state as "failed"]}</h3>
            <p>{launch.message}</p>
          </Notice>
        )}
        {launch && launch.runs.length > 0 && <Runs runs={launch.runs} />}
        {launch && <Output launch={launch} />}
      </div>
    </section>
  );
}
