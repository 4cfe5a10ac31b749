/** How much went on: runs by project and day, and how far a run is. Pure: "now" is handed in. */

import type { RunSummary } from "~/api/types";
import { asNumber, asObject, asText } from "./json";

export const DAY_MS = 86_400_000;

export interface DayCount {
  /** Local midnight the day starts at. */
  day: number;
  runs: number;
  /** Of them, those that failed or were lost. */
  bad: number;
}

type Made = Pick<RunSummary, "project" | "created_at" | "state">;

/** Local midnight of a time. */
export function dayStart(at: number): number {
  const date = new Date(at);
  date.setHours(0, 0, 0, 0);
  return date.getTime();
}

/** The last days, oldest first, each with its local midnight; summer time moves no day. */
export function lastDays(now: number, days: number): number[] {
  return Array.from({ length: days }, (_, i) => {
    const date = new Date(dayStart(now));
    date.setDate(date.getDate() - (days - 1 - i));
    return date.getTime();
  });
}

/** Runs per day of each project; every project has all days. */
export function activityByProject(runs: readonly Made[], now: number, days: number): Map<string, DayCount[]> {
  const starts = lastDays(now, days);
  const result = new Map<string, DayCount[]>();
  for (const run of runs) {
    const at = starts.indexOf(dayStart(run.created_at));
    if (at < 0) continue;
    const counts = result.get(run.project) ?? starts.map((day) => ({ day, runs: 0, bad: 0 }));
    const count = counts[at];
    if (!count) continue;
    count.runs += 1;
    if (run.state === "failed" || run.state === "lost") count.bad += 1;
    result.set(run.project, counts);
  }
  return result;
}

type Ended = Pick<RunSummary, "project" | "experiment" | "created_at" | "ended_at">;

/** When something last happened to a run. */
export function lastHappened(run: Pick<Ended, "created_at" | "ended_at">): number {
  return Math.max(run.created_at, run.ended_at ?? 0);
}

/** The newest run of each experiment with how many more there are, so that a sweep takes one line. */
export function newestByExperiment<R extends Ended>(runs: readonly R[]): { run: R; more: number }[] {
  const found = new Map<string, { run: R; more: number }>();
  for (const run of [...runs].sort((a, b) => lastHappened(b) - lastHappened(a))) {
    const key = JSON.stringify([run.project, run.experiment]);
    const known = found.get(key);
    if (known) known.more += 1;
    else found.set(key, { run, more: 0 });
  }
  return [...found.values()];
}

export interface Progress {
  done: number;
  total: number | undefined;
  /** 0 to 1; undefined when the whole is not known. */
  share: number | undefined;
  message: string | undefined;
}

/** A progress record; undefined when it says nothing. */
export function readProgress(body: unknown): Progress | undefined {
  const record = asObject(body);
  const done = asNumber(record.done);
  if (done === undefined || !Number.isFinite(done)) return undefined;
  const total = asNumber(record.total);
  const known = total !== undefined && total > 0;
  return {
    done,
    total: known ? total : undefined,
    share: known ? Math.min(1, Math.max(0, done / total)) : undefined,
    message: asText(record.message),
  };
}

/** Time left if it goes on as fast as so far; undefined while there is too little to tell. */
export function timeLeft(
  progress: Progress,
  startedAt: number | null | undefined,
  now: number,
): number | undefined {
  if (startedAt === null || startedAt === undefined) return undefined;
  const share = progress.share ?? 0;
  const spent = now - startedAt;
  if (share < 0.01 || share >= 1 || spent < 2_000) return undefined;
  return (spent * (1 - share)) / share;
}
