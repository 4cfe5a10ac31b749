/** Adapters as a reader asks for them: which can be used, by what they can do, and what to do with broken ones. */

import type { AdapterView } from "~/api/types";
import { fuzzyFind } from "./fuzzy";

/** What each capability lets one do. */
export const CAPABILITIES: Record<string, string> = {
  train: "trains a model from an experiment file",
  resume: "goes on from a checkpoint after a stop or a crash",
  evaluate: "measures a trained model on a split",
  predict: "answers with a trained model, such as on a run's page Try",
  search: "finds the nearest entries of an index",
  export: "writes the model in a format other programs read, such as ONNX",
};

export interface AdapterFilter {
  text: string;
  capability: string | undefined;
  brokenOnly: boolean;
}

/** Broken ones first, as they need something; then by name and newest version. */
export function findAdapters(adapters: readonly AdapterView[], filter: AdapterFilter): AdapterView[] {
  const kept = adapters
    .filter((one) => filter.capability === undefined || one.capabilities.includes(filter.capability))
    .filter((one) => !filter.brokenOnly || Boolean(one.problem))
    .sort(
      (a, b) =>
        Number(Boolean(b.problem)) - Number(Boolean(a.problem)) ||
        a.name.localeCompare(b.name) ||
        (b.version ?? "").localeCompare(a.version ?? "", undefined, { numeric: true }),
    );
  return fuzzyFind(filter.text, kept, (one) => `${one.name} ${one.tasks.join(" ")} ${one.description}`);
}

/** Capabilities any of them has, the usual ones first. */
export function capabilitiesOf(adapters: readonly AdapterView[]): string[] {
  const found = new Set(adapters.flatMap((one) => one.capabilities));
  const known = Object.keys(CAPABILITIES).filter((one) => found.has(one));
  return [...known, ...[...found].filter((one) => !(one in CAPABILITIES)).sort()];
}
