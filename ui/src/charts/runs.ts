/** The runs charts are of, as the pages around them name them. */

export interface ChartRun {
  id: string;
  name: string;
  /** Its place in the palette. */
  color: number;
  /** Runs that differ in nothing but the seed share one. */
  seedGroup?: string | undefined;
}

export interface ChartGroup {
  key: string;
  name: string;
  color: number;
  /** Ids of its runs. */
  runs: string[];
}

/** What the names of a group's runs share, without what tells their seeds apart. */
function sharedName(names: readonly string[]): string {
  const [first = "", ...others] = names;
  let length = first.length;
  for (const name of others) while (!name.startsWith(first.slice(0, length))) length -= 1;
  const shared = first.slice(0, length).replace(/[-_ .=]*(seed|s)?[-_ .=]*$/i, "");
  return shared.length >= 2 ? shared : first;
}

/** Runs that share everything but the seed together; undefined where there are no two. */
export function seedGroups(runs: readonly ChartRun[]): ChartGroup[] | undefined {
  const members = new Map<string, ChartRun[]>();
  for (const run of runs) {
    const key = run.seedGroup ?? run.id;
    const known = members.get(key);
    if (known) known.push(run);
    else members.set(key, [run]);
  }
  if (members.size === runs.length) return undefined;
  return [...members].map(([key, list]): ChartGroup => {
    const shared = sharedName(list.map((run) => run.name));
    return {
      key,
      name: list.length > 1 ? `${shared} (${list.length} runs)` : shared,
      color: list[0]?.color ?? 0,
      runs: list.map((run) => run.id),
    };
  });
}
