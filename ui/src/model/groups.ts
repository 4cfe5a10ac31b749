/** Seed groups in the runs table: runs that differ only in their seed fold into one row. */

import { type ApiNumber, toFloat } from "./number";
import { type Spread, spread } from "./statistics";

/** What grouping needs of a run. */
export interface Groupable {
  id: string;
  group?: string | null;
  metrics: Record<string, ApiNumber>;
}

export type TableRow<R extends Groupable> =
  | { kind: "run"; key: string; run: R; inGroup: boolean }
  | { kind: "group"; key: string; group: string; runs: R[]; open: boolean };

/**
 * Rows to show, in the order of the runs. A group stands where its first run stands; groups of
 * one run are shown as that run.
 */
export function tableRows<R extends Groupable>(
  runs: readonly R[],
  grouped: boolean,
  open: ReadonlySet<string>,
): TableRow<R>[] {
  if (!grouped) return runs.map((run) => ({ kind: "run", key: run.id, run, inGroup: false }));
  const members = new Map<string, R[]>();
  for (const run of runs) {
    if (!run.group) continue;
    const list = members.get(run.group);
    if (list) list.push(run);
    else members.set(run.group, [run]);
  }
  const rows: TableRow<R>[] = [];
  const done = new Set<string>();
  for (const run of runs) {
    const list = run.group ? members.get(run.group) : undefined;
    if (!run.group || !list || list.length < 2) {
      rows.push({ kind: "run", key: run.id, run, inGroup: false });
      continue;
    }
    if (done.has(run.group)) continue;
    done.add(run.group);
    const isOpen = open.has(run.group);
    rows.push({ kind: "group", key: `group:${run.group}`, group: run.group, runs: list, open: isOpen });
    if (isOpen) for (const one of list) rows.push({ kind: "run", key: one.id, run: one, inGroup: true });
  }
  return rows;
}

/** Mean and spread of one metric over a group. */
export function groupMetric(runs: readonly Groupable[], metric: string): Spread | undefined {
  return spread(runs.map((run) => toFloat(run.metrics[metric])));
}

/** The value all runs share, or undefined when they differ. */
export function sharedValue<R, V>(runs: readonly R[], read: (run: R) => V): V | undefined {
  const [first, ...rest] = runs;
  if (first === undefined) return undefined;
  const value = read(first);
  return rest.every((run) => read(run) === value) ? value : undefined;
}
