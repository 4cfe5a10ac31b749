/** What the address of a run's page holds: its tab, and the place within it. */

import { type RunTab, readTab } from "./search";

export interface RunPageSearch {
  /** Absent: the overview. */
  tab?: RunTab;
  /** Logs: the attempt, its stream, the offset of a line, and what is searched for. */
  attempt?: number;
  stream?: string;
  at?: number;
  find?: string;
  /** Artifacts: the path of the file that is open. */
  file?: string;
  /** Config and provenance: the run this one is compared with. */
  other?: string;
}

const TEXT_MAX = 2_000;
const STREAMS = ["stdout", "stderr"];

function text(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value.slice(0, TEXT_MAX) : undefined;
}

function whole(value: unknown, min: number): number | undefined {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= min ? number : undefined;
}

/** Only what has a meaning survives, so a mangled link still opens the page. */
export function readRunPageSearch(raw: Record<string, unknown>): RunPageSearch {
  const tab = readTab(raw.tab);
  const attempt = whole(raw.attempt, 1);
  const stream = STREAMS.find((one) => one === raw.stream);
  const at = whole(raw.at, 0);
  const [find, file, other] = [text(raw.find), text(raw.file), text(raw.other)];
  return {
    ...(tab !== "overview" && { tab }),
    ...(attempt !== undefined && { attempt }),
    ...(stream && { stream }),
    ...(at !== undefined && { at }),
    ...(find && { find }),
    ...(file && { file }),
    ...(other && { other }),
  };
}
