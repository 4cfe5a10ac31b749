/** How far a run is, how fast it goes and when it may be done, from the progress its program told. */

import { asNumber, asObject, asText } from "./json";

export interface Progress {
  done: number;
  total: number | undefined;
  message: string | undefined;
  /** From 0 to 1, where the total is known. */
  share: number | undefined;
  /** Units a second over the newest part of the attempt; undefined until two reports lie apart. */
  rate: number | undefined;
  /** Milliseconds to go at that rate, from the newest report. */
  remainingMs: number | undefined;
  at: number;
}

interface Told {
  attempt: number;
  time_ms: number;
  body: unknown;
}

/** Newest reports the rate is taken over. */
const RATE_REPORTS = 20;

/** Progress of the newest attempt that told any; records are in the order they were told. */
export function readProgress(records: readonly Told[]): Progress | undefined {
  const last = records.at(-1);
  if (!last) return undefined;
  const reports = records
    .filter((one) => one.attempt === last.attempt)
    .map((one) => ({ at: one.time_ms, done: asNumber(asObject(one.body).done) }))
    .filter(
      (one): one is { at: number; done: number } => one.done !== undefined && Number.isFinite(one.done),
    );
  const newest = reports.at(-1);
  if (!newest) return undefined;
  const first = reports[Math.max(0, reports.length - RATE_REPORTS)] ?? newest;
  const seconds = (newest.at - first.at) / 1000;
  const rate = seconds > 0 && newest.done > first.done ? (newest.done - first.done) / seconds : undefined;
  const body = asObject(last.body);
  const told = asNumber(body.total);
  const total = told !== undefined && told > 0 && Number.isFinite(told) ? told : undefined;
  const left = total === undefined ? undefined : Math.max(0, total - newest.done);
  return {
    done: newest.done,
    total,
    message: asText(body.message),
    share: total === undefined ? undefined : Math.min(1, Math.max(0, newest.done / total)),
    rate,
    remainingMs: left === undefined || rate === undefined ? undefined : (left / rate) * 1000,
    at: newest.at,
  };
}
