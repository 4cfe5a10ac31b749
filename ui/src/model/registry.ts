/** Registered models as the pages tell them: aliases and what is protected, key metrics, files, the trail in words. */

import { asArray, asObject, asText, type Json, type JsonObject } from "./json";
import { headlineRank, isSystem, readDirection } from "./metrics";

/** What a protection of a stage begins with, where an alias may stand too. */
const STAGE_PREFIX = "stage:";

export const STAGES = ["none", "staging", "production", "archived"] as const;
export type Stage = (typeof STAGES)[number];

/** How an alias or `stage:production` is called. */
export function targetText(target: string): string {
  return target.startsWith(STAGE_PREFIX) ? `stage ${target.slice(STAGE_PREFIX.length)}` : target;
}

export function stageTarget(stage: Stage): string {
  return `${STAGE_PREFIX}${stage}`;
}

export interface TargetRow {
  /** An alias, or `stage:production`. */
  target: string;
  isAlias: boolean;
  /** The version that has the alias; of a stage and of an alias nobody has there is none. */
  version: number | undefined;
  /** Rules of the gate it is protected with. */
  rules: JsonObject | undefined;
}

interface Targets {
  aliases: Record<string, number>;
  protections: Record<string, unknown>;
}

/** Aliases and what is protected, aliases first, by name. */
export function targetRows({ aliases, protections }: Targets): TargetRow[] {
  const targets = [...new Set([...Object.keys(aliases), ...Object.keys(protections)])];
  const rows = targets.map((target): TargetRow => {
    const rules = protections[target];
    return {
      target,
      isAlias: !target.startsWith(STAGE_PREFIX),
      version: aliases[target],
      rules: rules === undefined ? undefined : asObject(rules),
    };
  });
  return rows.sort((a, b) => Number(b.isAlias) - Number(a.isAlias) || a.target.localeCompare(b.target, "en"));
}

interface Measured {
  metrics: Record<string, unknown>;
  intervals: Record<string, unknown>;
}

/** The metrics that tell most of these runs: evaluated ones first, those that more runs have before others. */
export function keyMetrics(runs: readonly Measured[], most: number): string[] {
  const counts = new Map<string, number>();
  const evaluated = new Set<string>();
  for (const run of runs) {
    for (const name of Object.keys(run.intervals)) evaluated.add(name);
    for (const name of Object.keys(run.metrics)) {
      if (!isSystem(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort(
      ([a, countA], [b, countB]) =>
        headlineRank(a, evaluated) - headlineRank(b, evaluated) ||
        countB - countA ||
        a.localeCompare(b, "en"),
    )
    .slice(0, most)
    .map(([name]) => name);
}

interface File {
  path: string;
  kind: string;
}

/** The files at a place: the file itself, those in the folder, or all. */
export function filesAt<F extends File>(files: readonly F[], path: string | null | undefined): F[] {
  if (!path) return [...files];
  return files.filter((file) => file.path === path || file.path.startsWith(`${path}/`));
}

/** Places of a run that can be registered: folders, which end with `/`, before files. */
export function placesOf(files: readonly File[]): string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) folders.add(`${parts.slice(0, depth).join("/")}/`);
  }
  const sorted = (names: Iterable<string>) => [...names].sort((a, b) => a.localeCompare(b, "en"));
  return [...sorted(folders), ...sorted(files.map((file) => file.path))];
}

/**
 * The place most likely meant: the only file of kind `model`, the deepest folder that holds all of them, or
 * nothing, which is all files of the run.
 */
export function usualPlace(files: readonly File[]): string {
  const models = files.filter((file) => file.kind === "model").map((file) => file.path);
  const [first] = models;
  if (first === undefined) return "";
  if (models.length === 1) return first;
  let folder = first.slice(0, first.lastIndexOf("/") + 1);
  while (folder !== "" && !models.every((path) => path.startsWith(folder))) {
    folder = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
  }
  return folder;
}

export interface Check {
  rule: string;
  subject: string;
  outcome: "passed" | "failed" | "warning";
  message: string;
}

export interface GateVerdict {
  passed: boolean;
  checks: Check[];
}

/** What a gate said: as the answer of a promotion, as `details.gate` of a refusal, or in the trail. */
export function readVerdict(value: unknown): GateVerdict | undefined {
  const body = asObject(value);
  if (typeof body.passed !== "boolean") return undefined;
  const checks = asArray(body.checks).map((item): Check => {
    const check = asObject(item);
    const outcome = check.outcome;
    return {
      rule: asText(check.rule) ?? "",
      subject: asText(check.subject) ?? "",
      outcome: outcome === "passed" || outcome === "warning" ? outcome : "failed",
      message: asText(check.message) ?? "",
    };
  });
  return { passed: body.passed, checks };
}

/** `1 of 4 checks failed`, `4 checks passed, 1 with a warning`. */
export function verdictText({ passed, checks }: GateVerdict): string {
  const count = (outcome: Check["outcome"]) => checks.filter((check) => check.outcome === outcome).length;
  const all = `${checks.length} ${checks.length === 1 ? "check" : "checks"}`;
  if (!passed) return `${count("failed")} of ${all} failed`;
  const warnings = count("warning");
  return warnings === 0 ? `${all} passed` : `${all} passed, ${warnings} with a warning`;
}

interface Event {
  action: string;
  version?: number | null;
  detail: unknown;
}

const quoted = (value: Json | undefined) => `“${asText(value) ?? ""}”`;
const versionText = (value: Json | undefined) =>
  typeof value === "number" ? `version ${value}` : "no version";

function tagsText(tags: JsonObject): string {
  const parts = Object.entries(tags).map(([name, change]) => {
    const { to } = asObject(change);
    return to === null || to === undefined ? `removed ${name}` : `set ${name} to ${quoted(to)}`;
  });
  return parts.join(", ");
}

function describedText(of: string, to: Json | undefined): string {
  return to === "" ? `removed the description${of}` : `described${of === "" ? " it" : of.replace(" of", "")}`;
}

/** What was done, as a sentence without its subject; the version it is about is named in it. */
export function eventText({ action, version, detail }: Event): string {
  const body = asObject(detail);
  const of = version === null || version === undefined ? "" : ` of version ${version}`;
  const it = `version ${version}`;
  const target = targetText(asText(body.target) ?? "");
  switch (action) {
    case "created":
      return "registered the model";
    case "renamed":
      return `renamed it from ${quoted(body.from)} to ${quoted(body.to)}`;
    case "deleted":
      return "deleted the model";
    case "described":
      return describedText(of, body.to);
    case "tagged":
      return `${tagsText(asObject(body.tags))}${of.replace(" of", " on")}`;
    case "version_added":
      return `registered ${it}`;
    case "version_deleted":
      return `deleted ${it}`;
    case "status_set":
      return `said that ${it} is ${asText(body.to) ?? ""}${body.message ? `: ${asText(body.message)}` : ""}`;
    case "alias_set":
      return typeof body.from === "number"
        ? `gave ${asText(body.alias)} to ${it}, from ${versionText(body.from)}`
        : `gave ${asText(body.alias)} to ${it}`;
    case "alias_removed":
      return `took ${asText(body.alias)} from ${versionText(body.from)}`;
    case "stage_set": {
      const others = asArray(body.archived);
      const archived = others.length === 0 ? "" : `, and archived ${others.map(versionText).join(", ")}`;
      return `brought ${it} from stage ${asText(body.from)} to ${asText(body.to)}${archived}`;
    }
    case "protected":
      return body.from ? `changed the rules of ${target}` : `protected ${target}`;
    case "unprotected":
      return `let ${target} be given without a gate`;
    case "promotion_refused":
      return `was refused ${target} for ${it}`;
    default:
      return `${action}${of}`;
  }
}

/** What gives a stage its colour. */
export function stageTone(stage: string): string {
  if (stage === "production") return "good";
  return stage === "staging" ? "info" : "outline";
}

export function statusTone(status: string): string {
  if (status === "ready") return "good";
  return status === "failed" ? "bad" : "warn";
}

/** `name` and number of `name@7`; the version is missing where none is named. */
export function datasetOf(text: string): { name: string; version?: number } {
  const at = text.lastIndexOf("@");
  const version = Number(text.slice(at + 1));
  if (at < 1 || !Number.isInteger(version) || version < 1) return { name: text };
  return { name: text.slice(0, at), version };
}

/** Runs of the chosen versions, each once; a comparison needs two. */
export function runsOf(
  versions: readonly { run?: string | null; artifacts_run?: string | null }[],
): string[] {
  const runs = versions.map((one) => one.run ?? one.artifacts_run);
  return [...new Set(runs.filter((run): run is string => typeof run === "string"))];
}

/** Characters in the name of a model and of an alias, as the hub takes them. */
export const NAME_MAX = 255;
/** Characters of a description that are written here. */
export const DESCRIPTION_MAX = 5_000;

interface Evaluated {
  split: string;
  state: string;
  metrics: readonly { name: string; direction: string }[];
}

/** What can be ranked, as the leaderboard names it: `test/accuracy`; the well-known ones first. */
export function evaluatedMetrics(evaluations: readonly Evaluated[]): string[] {
  const names = evaluations.flatMap(({ split, metrics }) =>
    metrics.filter((one) => readDirection(one.direction) !== "none").map((one) => `${split}/${one.name}`),
  );
  const all = [...new Set(names)];
  const known = new Set(all);
  return all.sort((a, b) => headlineRank(a, known) - headlineRank(b, known) || a.localeCompare(b, "en"));
}
