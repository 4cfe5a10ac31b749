/** Tests over seed groups, read as the reader looks at them: each group against the baseline's. */

import { formatNumber } from "./format";
import { asArray, asNumber, asObject, asText } from "./json";
import { readDirection } from "./metrics";

export interface GroupTest {
  metric: string;
  /** Ids of the seed groups; `difference` is the mean of `a` less the mean of `b`. */
  a: string;
  b: string;
  nA: number;
  nB: number;
  difference: number | undefined;
  interval: readonly [number, number] | undefined;
  /** Hedges' g. */
  effect: number | undefined;
  p: number | undefined;
  /** After Holm's correction over all that is shown. */
  pAdjusted: number | undefined;
  verdict: string;
  reason: string | undefined;
}

/** Tests of a comparison; a hub that computes none sends none. */
export function readTests(value: unknown): GroupTest[] {
  return asArray(value).flatMap((item): GroupTest[] => {
    const body = asObject(item);
    const [metric, a, b] = [asText(body.metric), asText(body.a), asText(body.b)];
    if (metric === undefined || a === undefined || b === undefined) return [];
    const interval = asObject(body.interval);
    const [low, high] = [asNumber(interval.low), asNumber(interval.high)];
    return [
      {
        metric,
        a,
        b,
        nA: asNumber(body.n_a) ?? 0,
        nB: asNumber(body.n_b) ?? 0,
        difference: asNumber(body.difference),
        interval: low === undefined || high === undefined ? undefined : [low, high],
        effect: asNumber(asObject(body.effect).value),
        p: asNumber(body.p_value),
        pAdjusted: asNumber(body.p_adjusted),
        verdict: asText(body.verdict) ?? "no_verdict",
        reason: asText(body.reason),
      },
    ];
  });
}

export type Verdict = "better" | "worse" | "no_difference" | "no_verdict";

/** A group against the baseline's group. */
export interface Against extends Omit<GroupTest, "a" | "b" | "nA" | "nB" | "verdict"> {
  verdict: Verdict;
  n: number;
  nBaseline: number;
}

function verdictOf(verdict: string, groupIsA: boolean): Verdict {
  if (verdict === "no_difference") return "no_difference";
  if (verdict === "a_better") return groupIsA ? "better" : "worse";
  if (verdict === "b_better") return groupIsA ? "worse" : "better";
  return "no_verdict";
}

function negated(value: number | undefined): number | undefined {
  return value === undefined ? undefined : -value;
}

/** The test of a metric between a group and the baseline's group, seen from the group. */
export function against(
  tests: readonly GroupTest[],
  metric: string,
  group: string,
  baseline: string,
): Against | undefined {
  const found = tests.find(
    (one) =>
      one.metric === metric &&
      ((one.a === group && one.b === baseline) || (one.a === baseline && one.b === group)),
  );
  if (!found) return undefined;
  const groupIsA = found.a === group;
  const { interval } = found;
  return {
    metric,
    difference: groupIsA ? found.difference : negated(found.difference),
    interval: groupIsA || !interval ? interval : [-interval[1], -interval[0]],
    effect: groupIsA ? found.effect : negated(found.effect),
    p: found.p,
    pAdjusted: found.pAdjusted,
    verdict: verdictOf(found.verdict, groupIsA),
    reason: found.reason,
    n: groupIsA ? found.nA : found.nB,
    nBaseline: groupIsA ? found.nB : found.nA,
  };
}

const WORDS: Record<Verdict, string> = {
  better: "better",
  worse: "worse",
  no_difference: "no difference shown",
  no_verdict: "no verdict",
};

export function verdictText(verdict: Verdict): string {
  return WORDS[verdict];
}

/** A number with its sign, also when it is positive. */
export function signed(value: number | undefined, digits = 3): string {
  if (value === undefined) return "–";
  return value > 0 ? `+${formatNumber(value, digits)}` : formatNumber(value, digits);
}

/** A probability as papers print it. */
export function formatP(value: number | undefined): string {
  if (value === undefined) return "–";
  return value < 0.001 ? "< 0.001" : value.toFixed(3);
}

/** The numbers of a test in one line. */
export function testText(test: Against): string {
  const parts = [`difference ${signed(test.difference)}`];
  if (test.interval) parts.push(`95 % interval ${signed(test.interval[0])} to ${signed(test.interval[1])}`);
  if (test.effect !== undefined) parts.push(`Hedges' g ${signed(test.effect, 2)}`);
  if (test.pAdjusted !== undefined) parts.push(`adjusted p ${formatP(test.pAdjusted)}`);
  return parts.join(", ");
}

/** Whether a difference is towards the better; undefined when the metric has no direction. */
export function improves(difference: number, direction: string | null | undefined): boolean | undefined {
  const read = readDirection(direction);
  if (read === "none" || difference === 0 || Number.isNaN(difference)) return undefined;
  return difference > 0 === (read === "maximize");
}
