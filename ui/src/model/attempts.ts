/** The attempts of a run on one time axis, and what each later one superseded of an earlier one. */

import { formatNumber } from "./format";
import type { RawSeries } from "./series";

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

/** A branch that a resume left behind: what an attempt logged after the step a later one went on from. */
export interface Branch {
  attempt: number;
  /** Undefined: all that the attempt logged. */
  afterStep: number | undefined;
}

/** Branches there may be; whether an attempt logged anything in them only its series tell. */
export function branchesOf(attempts: readonly Pick<Attempt, "number" | "resumed_from_step">[]): Branch[] {
  const sorted = [...attempts].sort((a, b) => a.number - b.number);
  return sorted.slice(0, -1).map(({ number }, i) => {
    const steps = sorted.slice(i + 1).map((later) => later.resumed_from_step ?? Number.NEGATIVE_INFINITY);
    const least = Math.min(...steps);
    return { attempt: number, afterStep: Number.isFinite(least) ? least : undefined };
  });
}

export function branchText({ attempt, afterStep }: Branch): string {
  return `attempt ${attempt}, superseded${afterStep === undefined ? "" : ` after step ${formatNumber(afterStep)}`}`;
}

type Points = Pick<RawSeries, "steps" | "times_ms" | "values">;

/** The points of a branch, and the one it forks off from, so that it is seen where it left. */
export function branchPart<S extends Points>(series: S, { afterStep }: Branch): S {
  if (afterStep === undefined) return series;
  let fork = -1;
  series.steps.forEach((step, i) => {
    if (step <= afterStep && (fork < 0 || step >= (series.steps[fork] as number))) fork = i;
  });
  const isKept = (_: number, i: number) => i === fork || (series.steps[i] as number) > afterStep;
  return {
    ...series,
    steps: series.steps.filter(isKept),
    times_ms: series.times_ms.filter(isKept),
    values: series.values.filter(isKept),
  };
}
