/** Launches of experiments: the page's address, how far a launch is, which mistakes belong where. */

import type { ConfigMistake, LaunchView } from "~/api/types";

export interface NewSearch {
  /** The adapter to start from. */
  adapter?: string;
  /** The run to start from. */
  from?: string;
  /** The project to put it into. */
  project?: string;
  /** The launch that is shown. */
  launch?: string;
}

/** Only what has a meaning survives. */
export function readNewSearch(raw: Record<string, unknown>): NewSearch {
  const result: NewSearch = {};
  for (const key of ["adapter", "from", "project", "launch"] as const) {
    const value = raw[key];
    if (typeof value === "string" && value !== "") result[key] = value;
    else if (typeof value === "number") result[key] = String(value);
  }
  return result;
}

export type LaunchState = LaunchView["state"];

/** Whether nothing more happens to a launch. */
export function isLaunchOver(state: LaunchState): boolean {
  return !["starting", "environment", "dataset"].includes(state);
}

export interface LaunchStep {
  name: string;
  /** What goes on in it. */
  about: string;
  standing: "done" | "now" | "broken" | "ahead";
}

const STEPS: readonly (readonly [LaunchState, string, string])[] = [
  ["environment", "Environment", "the adapter's packages; the first time can take minutes"],
  ["dataset", "Dataset and runs", "checked, fingerprinted and split; then the runs are made"],
  ["started", "Started", "the runs are queued"],
];

/** The steps of a launch. `last` is the step it was seen in last, for one that has failed. */
export function launchSteps(state: LaunchState, last: LaunchState): LaunchStep[] {
  const over = isLaunchOver(state) && state !== "started";
  const at = STEPS.findIndex(([step]) => step === (over ? last : state));
  return STEPS.map(([, name, about], index) => {
    if (state === "started" || index < at) return { name, about, standing: "done" };
    if (index > Math.max(at, 0)) return { name, about, standing: "ahead" };
    return { name, about, standing: over ? "broken" : "now" };
  });
}

/** Mistakes of the value at a path or below it. */
export function mistakesAt(mistakes: readonly ConfigMistake[], path: readonly string[]): ConfigMistake[] {
  const name = path.join(".");
  return mistakes.filter(
    ({ path: at }) => at === name || at.startsWith(`${name}.`) || at.startsWith(`${name}[`),
  );
}

/** The path of a mistake as keys; indices of lists end it. */
export function pathKeys(path: string): string[] {
  const bare = path.split("[")[0] ?? "";
  return bare === "" ? [] : bare.split(".");
}
