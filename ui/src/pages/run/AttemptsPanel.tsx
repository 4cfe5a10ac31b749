/** Every attempt of a run on one time axis: how it ended, where it went on from, and what it superseded. */

import { Link } from "@tanstack/react-router";
import type { AttemptView, RunDetail } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Panel, StateBadge } from "~/components/parts";
import { type AttemptBar, attemptBars } from "~/model/attempts";
import { formatDuration, formatNumber, formatTime, plural, runDuration } from "~/model/format";
import { isActive } from "~/model/states";
import { exitText } from "./FailureNotice";

const TONE: Record<string, string> = { finished: "good", failed: "bad", lost: "warn", running: "info" };

function supersededText(bar: AttemptBar<AttemptView>): string | undefined {
  if (!bar.superseded) return undefined;
  const { by, afterStep } = bar.superseded;
  const what =
    afterStep === undefined ? "all it logged" : `what it logged after step ${formatNumber(afterStep)}`;
  return `attempt ${by} superseded ${what}; it stays stored`;
}

function Attempt({ run, bar, now }: { run: RunDetail; bar: AttemptBar<AttemptView>; now: number }) {
  const { attempt } = bar;
  const step = attempt.resumed_from_step;
  const why = attempt.failure?.message ?? (attempt.exit ? exitText(attempt.exit) : undefined);
  const superseded = supersededText(bar);
  const verb = isActive(attempt.state) ? "running for" : "took";
  return (
    <li className="attempt">
      <div className="row wrap">
        <strong className="attempt-number">{attempt.number}</strong>
        <StateBadge state={attempt.state} />
        {attempt.exit && <span className="faint small">{exitText(attempt.exit)}</span>}
        <span className="grow" />
        {step !== null && step !== undefined && (
          <span className="badge accent">resumed from step {formatNumber(step)}</span>
        )}
        <Link
          className="link small"
          to="/runs/$id"
          params={{ id: run.id }}
          search={{ tab: "logs", attempt: attempt.number }}
          aria-label={`Log of attempt ${attempt.number}`}
        >
          Log
        </Link>
      </div>
      <div className="attempt-track" aria-hidden="true">
        <span
          className={`attempt-bar ${TONE[attempt.state] ?? ""} ${superseded ? "superseded" : ""}`}
          style={{ left: `${bar.from * 100}%`, width: `${(bar.to - bar.from) * 100}%` }}
        />
      </div>
      <p className="muted small">
        {[
          attempt.host,
          attempt.started_at ? formatTime(attempt.started_at) : "not started",
          attempt.started_at ? `${verb} ${formatDuration(runDuration(attempt, now))}` : undefined,
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
      {attempt.state !== "finished" && why && <p className="small">{why}</p>}
      {superseded && <p className="faint small">{superseded}</p>}
    </li>
  );
}

export function AttemptsPanel({ run }: { run: RunDetail }) {
  const now = useNow(run.attempts.some((attempt) => isActive(attempt.state)));
  const bars = attemptBars(run.attempts, now);
  return (
    <Panel title={plural(bars.length, "attempt")}>
      <ol className="attempts">
        {bars.map((bar) => (
          <Attempt key={bar.attempt.number} run={run} bar={bar} now={now} />
        ))}
      </ol>
    </Panel>
  );
}
