/** Which ended runs a reader is told of, and the list of what happened. Pure. */

import type { RunSummary } from "~/api/types";
import { asArray, asNumber, asObject, asText } from "./json";
import type { NoticeScope } from "./settings";
import { isActive } from "./states";

/** The list holds no more than this, the newest. */
export const NOTICES_MAX = 100;
/** Runs watched at once. */
export const WATCHED_MAX = 1_000;

export interface Notice {
  /** One end of one attempt; the same for every tab and every reload. */
  key: string;
  run: string;
  name: string;
  project: string;
  state: string;
  /** Why it failed, when it did. */
  reason: string | undefined;
  at: number;
  seen: boolean;
}

export interface Reader {
  user: string | undefined;
  scope: NoticeScope;
  watched: ReadonlySet<string>;
  /** Ends before this time are old news. */
  since: number;
}

type Ended = Pick<
  RunSummary,
  "id" | "name" | "project" | "state" | "owner" | "attempt" | "ended_at" | "failure"
>;

/** The notice of a run's end; undefined when it has not ended, ended long ago, or is none of the reader's. */
export function noticeOf(run: Ended, reader: Reader): Notice | undefined {
  const at = run.ended_at ?? undefined;
  if (isActive(run.state) || at === undefined || at < reader.since) return undefined;
  const watched = reader.watched.has(run.id);
  const concerns =
    watched || reader.scope === "all" || (reader.scope === "mine" && run.owner === reader.user);
  if (!concerns) return undefined;
  return {
    key: `${run.id}/${run.attempt}/${run.state}`,
    run: run.id,
    name: run.name,
    project: run.project,
    state: run.state,
    reason: run.failure?.message,
    at,
    seen: false,
  };
}

/** The list with what is new in front; what is in it already stays as it is. */
export function addNotices(
  list: readonly Notice[],
  found: readonly Notice[],
): { list: Notice[]; fresh: Notice[] } {
  const known = new Set(list.map((notice) => notice.key));
  const fresh = found.filter((notice) => !known.has(notice.key) && known.add(notice.key));
  const all = [...fresh, ...list].sort((a, b) => b.at - a.at);
  return { list: all.slice(0, NOTICES_MAX), fresh };
}

/** One line that says what happened: `softmax-s1 failed: out of memory`. */
export function noticeText(notice: Pick<Notice, "name" | "state" | "reason">): string {
  const what =
    notice.state === "lost" ? "went silent" : notice.state === "stopped" ? "was stopped" : notice.state;
  return notice.reason ? `${notice.name} ${what}: ${notice.reason}` : `${notice.name} ${what}`;
}

export function readNotices(stored: string | null): Notice[] {
  try {
    return asArray(JSON.parse(stored ?? "[]")).flatMap((item): Notice[] => {
      const body = asObject(item);
      const [key, run, name] = [asText(body.key), asText(body.run), asText(body.name)];
      const at = asNumber(body.at);
      if (key === undefined || run === undefined || name === undefined || at === undefined) return [];
      const [project, state] = [asText(body.project) ?? "", asText(body.state) ?? ""];
      return [{ key, run, name, project, state, reason: asText(body.reason), at, seen: body.seen === true }];
    });
  } catch {
    return [];
  }
}

export function readWatched(stored: string | null): Set<string> {
  try {
    const ids = asArray(JSON.parse(stored ?? "[]")).filter((id) => typeof id === "string");
    return new Set(ids.slice(-WATCHED_MAX));
  } catch {
    return new Set();
  }
}
