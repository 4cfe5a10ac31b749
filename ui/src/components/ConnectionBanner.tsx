/** Says that the hub is away, for how long, and lets the reader try at once. */

import { useSyncExternalStore } from "react";
import { awaySince, connectionState, onConnection, reconnect } from "~/api/live";
import { formatDuration } from "~/model/format";
import { useNow } from "./hooks";
import { Icon } from "./Icon";

export function ConnectionBanner() {
  const state = useSyncExternalStore(onConnection, connectionState);
  const since = useSyncExternalStore(onConnection, awaySince);
  return state === "away" ? <Away since={since ?? Date.now()} /> : null;
}

function Away({ since }: { since: number }) {
  const now = useNow(true);
  return (
    <div className="banner">
      <Icon name="warn" />
      <span className="grow">
        <span role="status">The hub does not answer.</span> Trainings go on without it; this page reconnects
        by itself.{" "}
        <span className="nowrap">
          Away for {formatDuration(Math.max(0, Math.floor((now - since) / 1000) * 1000))}.
        </span>
      </span>
      <button type="button" className="button" onClick={reconnect}>
        Try now
      </button>
    </div>
  );
}
