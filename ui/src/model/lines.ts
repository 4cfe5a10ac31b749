/** Lines of the runs table: rows as the hub ordered them, loaded or not, and the runs of unfolded groups. */

import { GROUP_HEIGHT, locate, type RowSpace, type Unfolded } from "./rows";

export interface Members<R> {
  runs: readonly R[];
  total: number;
}

export type Line<R, G> =
  | { kind: "run"; key: string; run: R; nested: boolean; at: number | undefined }
  | { kind: "group"; key: string; group: G; open: boolean; at: number }
  | { kind: "more"; key: string; shown: number; total: number }
  /** Not here yet. */
  | { kind: "loading"; key: string; nested: boolean };

/** What is loaded of an answer. */
export interface Answer<R, G> {
  grouped: boolean;
  total: number;
  runAt: (at: number) => R | undefined;
  groupAt: (at: number) => G | undefined;
  /** Groups that are loaded, with their places, ascending. */
  groups: readonly (readonly [number, G])[];
}

/** Lines an unfolded group has under it: its runs, that there are more, or that they are on their way. */
function memberLines(members: Members<unknown> | undefined): number {
  if (!members) return 1;
  return members.runs.length + (members.total > members.runs.length ? 1 : 0);
}

export function spaceOf<R, G extends { query: string }>(
  answer: Answer<R, G>,
  open: ReadonlySet<string>,
  members: ReadonlyMap<string, Members<R>>,
  rowHeight: number,
): RowSpace {
  const nested = rowHeight;
  if (!answer.grouped) return { total: answer.total, height: rowHeight, nested, unfolded: [] };
  const unfolded = answer.groups
    .filter(([, group]) => open.has(group.query))
    .map(([at, group]): Unfolded => ({ at, lines: memberLines(members.get(group.query)) }));
  return { total: answer.total, height: GROUP_HEIGHT, nested, unfolded };
}

/** The line at a place of the table. */
export function lineOf<R extends { id: string }, G extends { query: string }>(
  answer: Answer<R, G>,
  space: RowSpace,
  open: ReadonlySet<string>,
  members: ReadonlyMap<string, Members<R>>,
  line: number,
): Line<R, G> {
  const { at, member } = locate(space, line);
  if (!answer.grouped) {
    const run = answer.runAt(at);
    return run
      ? { kind: "run", key: run.id, run, nested: false, at }
      : { kind: "loading", key: `row:${at}`, nested: false };
  }
  const group = answer.groupAt(at);
  if (!group) return { kind: "loading", key: `row:${at}`, nested: false };
  const key = `group:${group.query}`;
  if (member < 0) return { kind: "group", key, group, open: open.has(group.query), at };
  const found = members.get(group.query);
  const run = found?.runs[member];
  if (run) return { kind: "run", key: `${key}:${run.id}`, run, nested: true, at: undefined };
  if (!found) return { kind: "loading", key: `${key}:loading`, nested: true };
  return { kind: "more", key: `${key}:more`, shown: found.runs.length, total: found.total };
}
