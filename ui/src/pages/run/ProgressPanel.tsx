/** How far a running program is, how fast it goes and how long it may still take. */

import { useQuery } from "@tanstack/react-query";
import { recordsQuery } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import { useNow } from "~/components/hooks";
import { formatAge, formatDuration, formatNumber } from "~/model/format";
import { readProgress } from "~/model/progress";
import { isActive } from "~/model/states";

export function ProgressPanel({ run }: { run: RunDetail }) {
  const active = isActive(run.state);
  const now = useNow(active);
  const records = useQuery(recordsQuery(run.id, "progress")).data?.records ?? [];
  const progress = readProgress(records);
  // A run that ended well has nothing left to say about its progress.
  if (!progress || run.state === "finished") return null;
  const { done, total, share, rate, remainingMs, message, at } = progress;
  const remaining = remainingMs === undefined ? undefined : remainingMs - (now - at);
  return (
    <section className="progress-panel" aria-label="Progress">
      <div className="row wrap">
        <strong>
          {formatNumber(done)}
          {total !== undefined && ` of ${formatNumber(total)}`}
        </strong>
        {message && <span className="muted truncate">{message}</span>}
        <span className="grow" />
        {rate !== undefined && (
          <span className="muted small">
            {rate >= 1 ? `${formatNumber(rate, 3)} a second` : `${formatDuration(1000 / rate)} each`}
          </span>
        )}
        {active && remaining !== undefined && (
          <span className="badge info">
            {remaining > 0 ? `about ${formatDuration(remaining)} left` : "later than its rate said"}
          </span>
        )}
        {!active && <span className="badge outline">where it ended</span>}
      </div>
      {share !== undefined && (
        <progress className={active ? "" : "ended"} aria-label="Share done" value={share} max={1} />
      )}
      {active && <p className="faint small">last told {formatAge(at, now)} ago</p>}
    </section>
  );
}
