/** A comparison in words: what is compared, what differs, and which verdicts stand on tests. */

import type { Comparison } from "~/api/types";
import { groupNames } from "./compareMetrics";
import { against, type GroupTest, testText } from "./compareTests";
import { plural } from "./format";

/** A sentence; `tone` says how firm it is. */
export interface Statement {
  text: string;
  tone: "fact" | "better" | "worse" | "open";
  /** Further sentences, shown when asked for. */
  details: string[];
}

const NAMES_MAX = 5;

/** A list in words, cut when it is long. */
export function listed(names: readonly string[], max = NAMES_MAX): string {
  if (names.length > max) return `${names.slice(0, max).join(", ")} and ${names.length - max} more`;
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The seed group a run is counted in. */
export function groupOf(comparison: Comparison, run: string | undefined): string | undefined {
  return comparison.groups.find((group) => run !== undefined && group.runs.includes(run))?.group;
}

function compared(comparison: Comparison): Statement {
  const names = groupNames(comparison.groups);
  const groups = comparison.groups.map(
    (group) => `${names.get(group.group)} (${plural(group.runs.length, "run")})`,
  );
  return {
    text: `${plural(comparison.runs.length, "run")} of ${plural(groups.length, "group")} that differ only in their seed: ${listed(groups)}.`,
    tone: "fact",
    details: groups.length > NAMES_MAX ? groups : [],
  };
}

function configs(comparison: Comparison): Statement {
  const paths = comparison.config.map((row) => row.path);
  if (paths.length === 0) {
    return { text: "The resolved configs are the same in every value.", tone: "fact", details: [] };
  }
  return {
    text: `${plural(paths.length, "config value differs", "config values differ")}: ${listed(paths)}.`,
    tone: "fact",
    details: paths.length > NAMES_MAX ? paths : [],
  };
}

/** What the tests say of one group beside the baseline's. */
function verdicts(
  comparison: Comparison,
  tests: readonly GroupTest[],
  group: string,
  baseline: string,
): Statement[] {
  const names = groupNames(comparison.groups);
  const [own, other] = [names.get(group) ?? group, names.get(baseline) ?? baseline];
  const found = comparison.metrics.flatMap((row) => against(tests, row.name, group, baseline) ?? []);
  const of = (verdict: string) => found.filter((test) => test.verdict === verdict);
  const result: Statement[] = [];
  for (const verdict of ["better", "worse"] as const) {
    const list = of(verdict);
    if (list.length === 0) continue;
    result.push({
      text: `${own} is ${verdict} than ${other} on ${plural(list.length, "metric")}: ${listed(list.map((test) => test.metric))}.`,
      tone: verdict,
      details: list.map((test) => `${test.metric}: ${testText(test)}.`),
    });
  }
  const same = of("no_difference");
  if (same.length > 0) {
    result.push({
      text: `No difference between ${own} and ${other} is shown on ${plural(same.length, "metric")}; that does not say they are equal.`,
      tone: "open",
      details: same.map((test) => `${test.metric}: ${testText(test)}.`),
    });
  }
  const none = of("no_verdict");
  if (none.length > 0) {
    const reasons = [...new Set(none.map((test) => test.reason ?? "no reason given"))];
    const on = none.length === found.length ? "" : ` on ${plural(none.length, "metric")}`;
    result.push({
      text: `No verdict between ${own} and ${other}${on}: ${listed(reasons, 2)}.`,
      tone: "open",
      details: reasons.length > 2 ? reasons.map((reason) => `${reason}.`) : [],
    });
  }
  return result;
}

/** Who has the best single values; said to be no verdict. */
function best(comparison: Comparison): Statement | undefined {
  const counts = new Map<string, number>();
  for (const row of comparison.metrics) {
    const run = row.best === null || row.best === undefined ? undefined : comparison.runs[row.best];
    if (run && row.definition) counts.set(run.name, (counts.get(run.name) ?? 0) + 1);
  }
  const ranked = [...counts].sort(([, a], [, b]) => b - a);
  if (ranked.length === 0) return undefined;
  const told = ranked.map(([name, count]) => `${name} (${count})`);
  return {
    text: `The best single values of evaluated metrics are those of ${listed(told, 3)}. One run may be best by chance.`,
    tone: "open",
    details: told.length > 3 ? told : [],
  };
}

/** All statements, the firm ones first. */
export function summarise(
  comparison: Comparison,
  tests: readonly GroupTest[],
  baseline: string | undefined,
): Statement[] {
  const group = groupOf(comparison, baseline);
  const others = comparison.groups.map((one) => one.group).filter((one) => one !== group);
  const tested = group === undefined ? [] : others.flatMap((one) => verdicts(comparison, tests, one, group));
  const rank = { better: 0, worse: 0, fact: 0, open: 1 };
  tested.sort((a, b) => rank[a.tone] - rank[b.tone]);
  const single = best(comparison);
  return [compared(comparison), ...tested, ...(single ? [single] : []), configs(comparison)];
}
