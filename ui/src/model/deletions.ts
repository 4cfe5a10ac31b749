/** What deletions free, added up and in words. */

import { formatBytes, formatCount, plural } from "./format";

export interface Size {
  row_count: number;
  row_bytes: number;
  blob_count: number;
  blob_bytes: number;
  file_count: number;
  file_bytes: number;
}

export type DeletionAction = "delete" | "restore" | "purge" | "drop_artifacts" | "drop_logs";

export function sizeBytes(size: Size): number {
  return size.row_bytes + size.blob_bytes + size.file_bytes;
}

/** The parts of a size that are not nothing: what, how many, how much. */
export function sizeParts(size: Size): { what: string; count: string; bytes: string }[] {
  const parts = [
    {
      what: "records and metrics",
      count: plural(size.row_count, "row"),
      n: size.row_count,
      bytes: size.row_bytes,
    },
    {
      what: "artifacts that nothing else uses",
      count: plural(size.blob_count, "content"),
      n: size.blob_count,
      bytes: size.blob_bytes,
    },
    {
      what: "run directories",
      count: plural(size.file_count, "file"),
      n: size.file_count,
      bytes: size.file_bytes,
    },
  ];
  return parts
    .filter((part) => part.n > 0)
    .map(({ what, count, bytes }) => ({ what, count, bytes: formatBytes(bytes) }));
}

/** What an action does, as the ledger and the rules say it. */
export function actionText(action: string): string {
  switch (action) {
    case "delete":
      return "Deleted";
    case "restore":
      return "Restored";
    case "purge":
      return "Purged";
    case "drop_artifacts":
      return "Artifacts dropped";
    case "drop_logs":
      return "Output dropped";
    default:
      return action;
  }
}

const UNITS: readonly [string, number][] = [
  ["week", 7 * 86_400_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

/** A length of time in the largest unit that leaves no rest: `90 days`, `36 hours`. */
export function lengthText(milliseconds: number): string {
  for (const [unit, size] of UNITS) {
    if (milliseconds >= size && milliseconds % size === 0) return plural(milliseconds / size, unit);
  }
  return `${formatCount(milliseconds)} ms`;
}

/** Which runs a retention rule takes, as a sentence. */
export function ruleText(rule: {
  action: string;
  query: string;
  after_ms?: number | null;
  keep_last: number;
}): string {
  const which = rule.query === "" ? "all ended runs" : "ended runs that match";
  const since = rule.action === "purge" ? "ended or were deleted" : "ended";
  const after = rule.after_ms ? ` that ${since} at least ${lengthText(rule.after_ms)} ago` : "";
  const kept = rule.keep_last > 0 ? `, but the ${formatCount(rule.keep_last)} newest of each experiment` : "";
  return `${which}${after}${kept}`;
}
