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
