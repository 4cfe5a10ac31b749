/** Lines of the runs table: runs as the hub ordered them, or groups with the runs of those unfolded. */

export interface Members<R> {
  runs: readonly R[];
  total: number;
}

export type Line<R, G> =
  | { kind: "run"; key: string; run: R; nested: boolean }
  | { kind: "group"; key: string; group: G; open: boolean }
  | { kind: "more"; key: string; group: G; shown: number; total: number }
  | { kind: "loading"; key: string };

export function runLines<R extends { id: string }, G>(runs: readonly R[]): Line<R, G>[] {
  return runs.map((run) => ({ kind: "run", key: run.id, run, nested: false }));
}

/** Groups in the hub's order; under an open one its runs, or that they are on their way. */
export function groupLines<R extends { id: string }, G extends { query: string }>(
  groups: readonly G[],
  open: ReadonlySet<string>,
  members: ReadonlyMap<string, Members<R>>,
): Line<R, G>[] {
  return groups.flatMap((group): Line<R, G>[] => {
    const key = `group:${group.query}`;
    if (!open.has(group.query)) return [{ kind: "group", key, group, open: false }];
    const head: Line<R, G> = { kind: "group", key, group, open: true };
    const found = members.get(group.query);
    if (!found) return [head, { kind: "loading", key: `${key}:loading` }];
    const runs = found.runs.map(
      (run): Line<R, G> => ({
        kind: "run",
        key: `${key}:${run.id}`,
        run,
        nested: true,
      }),
    );
    const { total } = found;
    const rest: Line<R, G>[] =
      total > runs.length ? [{ kind: "more", key: `${key}:more`, group, shown: runs.length, total }] : [];
    return [head, ...runs, ...rest];
  });
}
