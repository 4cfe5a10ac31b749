/** What a reproduction's verdict means, in words and in the tone it is shown with. */

import { formatNumber, plural } from "./format";
import type { ApiNumber } from "./number";

type Tone = "good" | "warn" | "bad" | "";

interface Judged {
  verdict: string;
  tolerance: ApiNumber;
  metrics: readonly { agreement: string }[];
}

const TONES: Record<string, Tone> = {
  identical: "good",
  within_tolerance: "good",
  diverged: "bad",
  failed: "bad",
  running: "",
  nothing_to_compare: "warn",
};

export function verdictTone(verdict: string): Tone {
  return TONES[verdict] ?? "warn";
}

/** A few words, for a badge. */
export function verdictBadge(verdict: string): string {
  switch (verdict) {
    case "identical":
      return "reproduced";
    case "within_tolerance":
      return "reproduced within tolerance";
    case "diverged":
      return "not reproduced";
    case "running":
      return "being reproduced";
    case "failed":
      return "reproduction failed";
    default:
      return "nothing to compare";
  }
}

/** One sentence, for the page of the run. */
export function verdictText({ verdict, tolerance, metrics }: Judged): string {
  const apart = metrics.filter((metric) => metric.agreement === "diverged").length;
  switch (verdict) {
    case "identical":
      return `All ${plural(metrics.length, "metric")} are identical, bit for bit.`;
    case "within_tolerance":
      return `No metric differs by more than ${formatNumber(tolerance, 3)} of its value.`;
    case "diverged":
      return `${plural(apart, "metric")} of ${metrics.length} diverged.`;
    case "running":
      return "It has not ended yet.";
    case "failed":
      return "It did not finish, so there is nothing to compare it by.";
    default:
      return "Neither run has a metric.";
  }
}

/** The newest that has ended, else the newest: what the run's badge tells. */
export function tellingReproduction<T extends Judged>(list: readonly T[]): T | undefined {
  return list.find((one) => one.verdict !== "running") ?? list[0];
}

/** A few words on the cause of a divergence, for a badge; nothing where there is none. */
export function causeBadge(cause: string | null | undefined): string | undefined {
  switch (cause) {
    case null:
    case undefined:
      return undefined;
    case "not_deterministic":
      return "not deterministic";
    case "undecided":
      return "cause undecided";
    default:
      return `cause: ${cause}`;
  }
}

interface PartDifference {
  part: string;
  name: string;
  was?: string | null;
  is?: string | null;
}

export interface DifferenceText {
  part: string;
  text: string;
}

/** Differences named for one part; the rest is counted. */
const DIFFERENCES_NAMED = 8;

/** One line per part: `numpy was 1.26.4, is 1.26.3; ...`. */
export function differencesText(differences: readonly PartDifference[]): DifferenceText[] {
  const parts = new Map<string, string[]>();
  for (const { part, name, was, is } of differences) {
    const line = `${name} was ${was ?? "none"}, is ${is ?? "none"}`;
    parts.set(part, [...(parts.get(part) ?? []), line]);
  }
  return [...parts].map(([part, lines]) => {
    const more = lines.length - DIFFERENCES_NAMED;
    const named = lines.slice(0, DIFFERENCES_NAMED).join("; ");
    return { part, text: more > 0 ? `${named}; and ${more} more` : named };
  });
}
