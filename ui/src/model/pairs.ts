/** Two runs tested row by row: which can be, which are chosen, and what a test says. */

import { type ApiNumber, toFinite } from "./number";
import { readIds } from "./search";

export interface PairRun {
  id: string;
  /** Splits on which the run was evaluated. */
  splits: readonly string[];
}

export function sharedSplits(a: PairRun | undefined, b: PairRun | undefined): string[] {
  return a && b ? a.splits.filter((split) => b.splits.includes(split)) : [];
}

/** Runs that share an evaluated split with another one, in their order. */
export function pairable<R extends PairRun>(runs: readonly R[]): R[] {
  const counts = new Map<string, number>();
  for (const run of runs) for (const split of run.splits) counts.set(split, (counts.get(split) ?? 0) + 1);
  return runs.filter((run) => run.splits.some((split) => (counts.get(split) ?? 0) > 1));
}

/** The pair the address names, else the baseline and the next run that shares a split with it. */
export function chosenPair<R extends PairRun>(
  runs: readonly R[],
  named: string | undefined,
  baseline: string | undefined,
): [R, R] | undefined {
  const [a, b] = readIds(named).map((id) => runs.find((run) => run.id === id));
  if (a && b) return [a, b];
  const from = Math.max(
    0,
    runs.findIndex((run) => run.id === baseline),
  );
  const order = [...runs.slice(from), ...runs.slice(0, from)];
  for (const [at, first] of order.entries()) {
    const others = [...order.slice(at + 1), ...order.slice(0, at)];
    const second = others.find((run) => sharedSplits(first, run).length > 0);
    if (second) return [first, second];
  }
  return undefined;
}

/** The pair with another run on one side; a run that stood on the other side changes places. */
export function withSide(pair: readonly [string, string], side: 0 | 1, id: string): string {
  const [a, b] = pair;
  if (side === 0) return [id, id === b ? a : b].join(",");
  return [id === a ? b : a, id].join(",");
}

export interface PairVerdict {
  text: string;
  tone: "" | "good" | "outline";
  /** The side that is better; undefined where none was shown to be. */
  better: "a" | "b" | undefined;
}

export function pairVerdict(verdict: string): PairVerdict {
  switch (verdict) {
    case "a_better":
      return { text: "A is better", tone: "good", better: "a" };
    case "b_better":
      return { text: "B is better", tone: "good", better: "b" };
    case "no_difference":
      return { text: "no difference shown", tone: "", better: undefined };
    default:
      return { text: "no verdict", tone: "outline", better: undefined };
  }
}

interface Tested {
  verdict: string;
  difference?: ApiNumber | null | undefined;
  interval?: { low: ApiNumber; high: ApiNumber } | null | undefined;
}

export function isSignificant(test: { verdict: string }): boolean {
  return pairVerdict(test.verdict).better !== undefined;
}

/** An axis with zero in its middle that holds the difference and its interval. */
export function zeroDomain(test: Tested): [number, number] {
  const ends = [test.difference, test.interval?.low, test.interval?.high].map((one) =>
    Math.abs(toFinite(one) ?? 0),
  );
  const reach = Math.max(...ends) * 1.08;
  return reach > 0 ? [-reach, reach] : [-1, 1];
}

/** How many metrics each side is better in. */
export function tally(tests: readonly { verdict: string }[]): {
  a: number;
  b: number;
  none: number;
  untold: number;
} {
  const count = (verdict: string) => tests.filter((test) => test.verdict === verdict).length;
  const [a, b, none] = [count("a_better"), count("b_better"), count("no_difference")];
  return { a, b, none, untold: tests.length - a - b - none };
}

/** What is taken as independent and how much there is of it, by split: `171 rows of test`. */
export function unitsText(
  tests: readonly { split: string; unit?: string | null | undefined; units?: number | null | undefined }[],
): string {
  const found = new Set<string>();
  for (const { split, unit, units } of tests) {
    if (unit && units !== null && units !== undefined) found.add(`${units} ${unit} of ${split}`);
  }
  return [...found].join(", ");
}
