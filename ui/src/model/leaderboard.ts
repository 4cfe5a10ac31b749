/** Leaderboards: what the address says, which metrics can be ranked by, and how an entry stands. */

import { formatP } from "./compareTests";
import { asArray, asObject, type JsonObject } from "./json";
import { readOperand } from "./language";
import { headlineRank, readDirection } from "./metrics";
import { type ApiNumber, toFinite } from "./number";
import { padded } from "./scale";
import { extent } from "./statistics";

export interface LeaderboardSearch {
  /** `SPLIT/NAME`; absent: the usual one of those there are. */
  metric?: string;
  project?: string;
  /** A condition in the query language. */
  q?: string;
}

const TEXT_MAX = 16 * 1024;
/** What is ranked by when the address does not say, if there is any of it. */
const USUAL = "test/accuracy";

function text(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value.slice(0, TEXT_MAX) : undefined;
}

/** Only what has a meaning survives, so a mangled link still opens the page. */
export function readLeaderboardSearch(raw: Record<string, unknown>): LeaderboardSearch {
  const [metric, project, q] = [text(raw.metric), text(raw.project), text(raw.q)];
  return { ...(metric && { metric }), ...(project && { project }), ...(q && { q }) };
}

/** Directions by the name of the metric; of several versions the last told. */
export function directionsOf(definitions: readonly { definition: unknown }[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const { definition } of definitions) {
    const body = asObject(definition);
    if (typeof body.name === "string") found.set(body.name, body.direction);
  }
  return found;
}

/** Evaluated metrics that runs have as `SPLIT/NAME`, the usual ones first; those that have no order are left out. */
export function rankable(
  fields: readonly { operand: string }[],
  directions: ReadonlyMap<string, unknown>,
): string[] {
  const names = fields.flatMap(({ operand }) => {
    const read = readOperand(operand);
    if (read?.kind !== "evaluated") return [];
    const direction = directions.get(read.name);
    const known = typeof direction === "string";
    return known && readDirection(direction) === "none" ? [] : [`${read.split}/${read.name}`];
  });
  const all = new Set(names);
  const rank = (name: string) => (name === USUAL ? -1 : headlineRank(name, all));
  return [...all].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

export interface EntryInterval {
  low: number;
  high: number;
  /** What it is over: seeds of the group, or rows of its only run. */
  over: "seeds" | "rows";
}

interface Ends {
  low: ApiNumber;
  high: ApiNumber;
}

interface Measured {
  statistics: { mean: ApiNumber; interval?: Ends | null | undefined };
  run_interval?: Ends | null | undefined;
}

function ends(interval: Ends | null | undefined, over: EntryInterval["over"]): EntryInterval | undefined {
  const [low, high] = [toFinite(interval?.low), toFinite(interval?.high)];
  return low === undefined || high === undefined ? undefined : { low, high, over };
}

export function entryInterval(entry: Measured): EntryInterval | undefined {
  return ends(entry.statistics.interval, "seeds") ?? ends(entry.run_interval, "rows");
}

/** One axis for all entries of a board. */
export function boardDomain(entries: readonly Measured[]): [number, number] {
  const found = extent(
    entries.flatMap((entry) => {
      const interval = entryInterval(entry);
      return [toFinite(entry.statistics.mean), interval?.low, interval?.high];
    }),
  );
  return padded(found ?? [0, 1]);
}

export interface Standing {
  text: string;
  tone: "" | "bad" | "outline";
  /** More, for who points at it. */
  title: string;
}

/** How an entry stands to the first of its board; undefined of the first. */
export function standing(entry: {
  against_first?: string | null | undefined;
  p_adjusted?: ApiNumber | null | undefined;
  reason?: string | null | undefined;
}): Standing | undefined {
  if (entry.against_first === null || entry.against_first === undefined) return undefined;
  const p = formatP(toFinite(entry.p_adjusted));
  switch (entry.against_first) {
    case "behind":
      return { text: `behind, p ${p}`, tone: "bad", title: `Welch's t-test over seeds, adjusted p ${p}` };
    case "no_difference":
      return {
        text: `no difference shown, p ${p}`,
        tone: "",
        title: `Welch's t-test over seeds, adjusted p ${p}. This is no proof that they are equal.`,
      };
    default:
      return { text: "no verdict", tone: "outline", title: entry.reason ?? "The hub gave no reason" };
  }
}

/** Runs of the entries, the first of each before the second of any, as many as a comparison takes. */
export function runsToCompare(
  entries: readonly { runs: readonly { id: string }[] }[],
  limit: number,
): string[] {
  const longest = Math.max(0, ...entries.map((entry) => entry.runs.length));
  const ids: string[] = [];
  // Where not all fit, every entry keeps as many of its runs as the others.
  for (let at = 0; at < longest; at += 1) {
    for (const entry of entries) {
      const id = entry.runs[at]?.id;
      if (id !== undefined && ids.length < limit) ids.push(id);
    }
  }
  const kept = new Set(ids);
  return entries.flatMap((entry) => entry.runs.map((run) => run.id).filter((id) => kept.has(id)));
}

/** The two definitions a conflict is about; undefined when the details tell of none. */
export function readConflict(details: unknown): [JsonObject, JsonObject] | undefined {
  const [first, second] = asArray(asObject(details).definitions).map((one) =>
    typeof one === "string" ? { name: one } : asObject(one),
  );
  return first && second ? [first, second] : undefined;
}

/** Keys that either has, in the order of the first, and whether they are the same in both. */
export function conflictRows(
  a: JsonObject,
  b: JsonObject,
): {
  key: string;
  differs: boolean;
  values: [JsonObject[string] | undefined, JsonObject[string] | undefined];
}[] {
  const order = ["name", "version", "formula", "direction", "range", "unit", "params", "tasks", "source"];
  const keys = [...new Set([...order, ...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) => {
    if (!(key in a) && !(key in b)) return [];
    if ((a[key] ?? null) === null && (b[key] ?? null) === null) return [];
    return [{ key, differs: JSON.stringify(a[key]) !== JSON.stringify(b[key]), values: [a[key], b[key]] }];
  });
}
