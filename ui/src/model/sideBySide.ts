/** Media of several runs by name: one step chosen for all of them, the nearest earlier one told. */

import type { Gallery, MediaItem } from "./media";

export interface MediaName {
  key: string;
  kind: Gallery["kind"];
  name: string;
  /** Runs that logged it. */
  runs: number;
  /** Steps of any run, ascending. */
  steps: number[];
}

/** Names over all runs, those of most runs first. */
export function mediaNames(lists: readonly (readonly Gallery[])[]): MediaName[] {
  const found = new Map<string, { kind: Gallery["kind"]; name: string; runs: number; steps: Set<number> }>();
  for (const gallery of lists.flat()) {
    const { key, kind, name } = gallery;
    const known = found.get(key) ?? { kind, name, runs: 0, steps: new Set<number>() };
    found.set(key, known);
    known.runs += 1;
    for (const step of gallery.steps) known.steps.add(step);
  }
  return [...found]
    .map(([key, one]) => ({ ...one, key, steps: [...one.steps].sort((a, b) => a - b) }))
    .sort((a, b) => b.runs - a.runs || a.name.localeCompare(b.name));
}

/** What a run logged at the step, else at its last step before; undefined where it had none yet. */
export function itemsAt(
  gallery: Gallery | undefined,
  step: number,
): { step: number; items: readonly MediaItem[] } | undefined {
  const at = gallery?.steps.findLast((one) => one <= step);
  if (gallery === undefined || at === undefined) return undefined;
  return { step: at, items: gallery.items.get(at) ?? [] };
}
