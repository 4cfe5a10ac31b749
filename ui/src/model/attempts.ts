/** The attempts of a run on one time axis, and what each later one superseded of an earlier one. */

interface Attempt {
  number: number;
  created_at: number;
  started_at?: number | null;
  ended_at?: number | null;
  resumed_from_step?: number | null;
}

export interface AttemptBar<A extends Attempt> {
  attempt: A;
  /** From 0 to 1 of the time from the first start to the last end. */
  from: number;
  to: number;
  /** The attempt that took over, and after which step; without a step it took over everything. */
  superseded: { by: number; afterStep: number | undefined } | undefined;
}

/** Narrower bars could not be seen. */
const SHARE_MIN = 0.006;

/** In the order of their numbers; `now` ends those that still run. */
export function attemptBars<A extends Attempt>(attempts: readonly A[], now: number): AttemptBar<A>[] {
  const sorted = [...attempts].sort((a, b) => a.number - b.number);
  const begin = (one: A) => one.started_at ?? one.created_at;
  const end = (one: A) => one.ended_at ?? now;
  const first = Math.min(...sorted.map(begin));
  const span = Math.max(1, Math.max(...sorted.map(end)) - first);
  return sorted.map((attempt, i) => {
    const next = sorted[i + 1];
    const from = Math.min(1 - SHARE_MIN, (begin(attempt) - first) / span);
    const to = Math.max(from + SHARE_MIN, (end(attempt) - first) / span);
    const superseded = next && { by: next.number, afterStep: next.resumed_from_step ?? undefined };
    return { attempt, from, to, superseded };
  });
}
