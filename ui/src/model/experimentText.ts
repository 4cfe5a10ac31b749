/**
 * The text of an experiment in YAML, which form and editor share: values read from it, and single values
 * written into it with comments and order kept.
 */

import { Document, isCollection, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import { asArray, asObject, asText, inline, type Json, type JsonObject } from "./json";

export interface TextMistake {
  line: number;
  column: number;
  message: string;
}

export interface ExperimentText {
  /** Undefined when the text cannot be read. */
  values: JsonObject | undefined;
  mistakes: readonly TextMistake[];
}

const STYLE = { lineWidth: 0, flowCollectionPadding: false } as const;

/** Keys in the order that people read them. */
const KEY_ORDER = [
  "project",
  "name",
  "description",
  "adapter",
  "dataset",
  "seed",
  "seeds",
  "params",
  "evaluation",
  "resources",
  "environment",
  "tags",
];

function open(text: string, counter?: LineCounter): Document.Parsed {
  return parseDocument(text, { version: "1.2", ...(counter && { lineCounter: counter }) });
}

/** Reads the text; mistakes of YAML itself only, the rest is the hub's. */
export function readExperiment(text: string): ExperimentText {
  const counter = new LineCounter();
  const document = open(text, counter);
  const mistakes = document.errors.map((error) => {
    const place = counter.linePos(error.pos[0]);
    const message = error.message.split(" at line ")[0] ?? error.message;
    return { line: place.line, column: place.col, message };
  });
  if (mistakes.length > 0) return { values: undefined, mistakes };
  const read: unknown = document.toJS({ maxAliasCount: 100 });
  if (read === null || read === undefined) return { values: {}, mistakes: [] };
  if (typeof read !== "object" || Array.isArray(read)) {
    return { values: undefined, mistakes: [{ line: 1, column: 1, message: "This must be keys and values" }] };
  }
  return { values: read as JsonObject, mistakes: [] };
}

/** The value at a path; undefined when nothing is written there. */
export function valueAt(values: JsonObject | undefined, path: readonly string[]): Json | undefined {
  let here: Json | undefined = values;
  for (const key of path) here = asObject(here)[key];
  return here;
}

/** The text with one value written, or removed when it is undefined. A text that cannot be read stays. */
export function writeAt(text: string, path: readonly string[], value: Json | undefined): string {
  const document = open(text);
  if (document.errors.length > 0) return text;
  if (value === undefined) removeAt(document, path);
  else putAt(document, path, value);
  const written = document.toString(STYLE);
  // An empty map is no experiment's text.
  return written.trim() === "{}" || written.trim() === "null" ? "" : written;
}

function removeAt(document: Document.Parsed, path: readonly string[]) {
  if (!document.hasIn(path)) return;
  document.deleteIn(path);
  // A key with nothing below it says nothing.
  for (let length = path.length - 1; length > 0; length -= 1) {
    const parent = path.slice(0, length);
    const left = document.getIn(parent);
    if (!isMap(left) || left.items.length > 0 || left.comment || left.commentBefore) return;
    document.deleteIn(parent);
  }
}

function putAt(document: Document.Parsed, path: readonly string[], value: Json) {
  const old = document.getIn(path, true);
  if (isScalar(old) && (value === null || typeof value !== "object")) {
    // The node stays, with the comment that is beside it.
    if (old.value === value) return;
    old.value = value;
    delete old.source;
    delete old.format;
    if (typeof value !== "string") delete old.type;
    return;
  }
  const isNew = !document.has(path[0] ?? "");
  // A parent that is empty, or no map, becomes one.
  for (let length = 0; length < path.length; length += 1) {
    const parent = path.slice(0, length);
    const there = length === 0 ? document.contents : document.getIn(parent, true);
    if (isMap(there)) continue;
    const map = document.createNode({});
    map.flow = false;
    if (length === 0) document.contents = map as unknown as typeof document.contents;
    else document.setIn(parent, map);
  }
  const node = document.createNode(value);
  // Short lists and maps of plain values stand on one line.
  if (isCollection(node) && isPlain(value)) node.flow = true;
  document.setIn(path, node);
  if (isNew) order(document);
}

function isPlain(value: Json): boolean {
  if (value === null || typeof value !== "object") return true;
  const items = Object.values(value);
  return items.every((one) => one === null || typeof one !== "object") && JSON.stringify(value).length <= 80;
}

/** Puts a key that was just added, which is the last one, where people look for it. */
function order(document: Document.Parsed) {
  const map: unknown = document.contents;
  if (!isMap(map)) return;
  const added = map.items.at(-1);
  const rank = (key: unknown) => KEY_ORDER.indexOf(isScalar(key) ? String(key.value) : String(key));
  const place = rank(added?.key);
  if (!added || place < 0) return;
  const before = map.items.findIndex((one) => rank(one.key) > place);
  if (before < 0) return;
  map.items.pop();
  map.items.splice(before, 0, added);
}

/** The first line that a value, or the nearest key above it, is written on; from 1. */
export function lineOf(text: string, path: readonly string[]): number | undefined {
  const counter = new LineCounter();
  const document = open(text, counter);
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    const range = (node as { range?: readonly number[] | null } | undefined)?.range;
    if (range?.[0] !== undefined) return counter.linePos(range[0]).line;
  }
  return undefined;
}

/** An experiment as text, keys in their usual order. */
export function writeExperiment(values: JsonObject): string {
  const known = KEY_ORDER.filter((key) => key in values);
  const others = Object.keys(values).filter((key) => !KEY_ORDER.includes(key));
  const ordered = Object.fromEntries([...known, ...others].map((key) => [key, values[key] ?? null]));
  const document = new Document(ordered, { version: "1.2" });
  // A list of a few plain values reads better on one line.
  visit(document, {
    Seq: (_, node) => {
      if (isSeq(node) && isPlain(node.toJSON() as Json)) node.flow = true;
    },
  });
  return document.toString(STYLE);
}

export interface Clone {
  text: string;
  /** What the text does not say as the run had it. */
  notes: string[];
}

const REDACTED = "[redacted]";

/**
 * The experiment of a run: what was written in its file or given with `--set`, without the defaults.
 * What smoke settings replaced is not recorded, so it is left to the defaults. Data given by a path is named
 * as the version it was registered as: the path was seen from the folder of the file, which is not known here.
 */
export function cloneExperiment(config: unknown, origins: unknown, dataset?: string | null): Clone {
  const notes: string[] = [];
  const written: JsonObject = {};
  const kept = (path: string) => {
    const kind = asText(asObject(asObject(origins)[path]).kind);
    return kind === undefined || kind === "file" || kind === "override";
  };
  for (const { path, value } of configLeaves(asObject(config), [])) {
    const name = path.join(".");
    if (value === REDACTED) {
      notes.push(`${name} is a secret, which is not recorded: write it again`);
      continue;
    }
    if (asText(asObject(asObject(origins)[name]).kind) === "smoke") {
      if (name !== "dataset.rows") notes.push(`${name} was set by the smoke run; it has its default here`);
      continue;
    }
    if (kept(name)) put(written, path, value);
  }
  const data = asObject(written.dataset);
  if (dataset && data.path !== undefined) {
    notes.push(`dataset.name is ${dataset}, as which ${inline(data.path)} was registered`);
    const { path: _path, name: _name, ...rest } = data;
    written.dataset = { name: dataset, ...rest };
  }
  return { text: writeExperiment(written), notes };
}

/** Values by path: lists are values, and so are empty maps. */
function configLeaves(value: JsonObject, path: string[]): { path: string[]; value: Json }[] {
  return Object.entries(value).flatMap(([key, one]) => {
    const here = [...path, key];
    const isTable = one !== null && typeof one === "object" && !Array.isArray(one);
    if (isTable && Object.keys(one).length > 0) return configLeaves(one, here);
    return [{ path: here, value: one }];
  });
}

function put(into: JsonObject, path: readonly string[], value: Json) {
  let here = into;
  for (const key of path.slice(0, -1)) {
    const next = asObject(here[key]);
    here[key] = next;
    here = next;
  }
  const last = path.at(-1);
  if (last !== undefined) here[last] = value;
}

export interface Start {
  adapter: string;
  project: string;
  dataset: string | undefined;
  target: string | undefined;
  ordered: boolean;
  task: string | undefined;
}

/** The text that a new experiment starts with. */
export function startText(start: Start): string {
  const values: JsonObject = { project: start.project, name: start.adapter, adapter: start.adapter };
  if (start.dataset !== undefined) {
    const fractions = { train: 0.8, test: 0.2 };
    values.dataset = {
      name: start.dataset,
      ...(start.target !== undefined && { target: start.target }),
      split: start.ordered ? { fractions, order: ["train", "test"] } : { seed: 0, fractions },
    };
  }
  values.seeds = [1];
  if (start.task !== undefined) values.evaluation = { task: start.task };
  return writeExperiment(values);
}

/** The lines that make the same run on the command line. */
export function commandText(text: string, mode: "dry_run" | "smoke" | "full", folder: string): string {
  const flag = { dry_run: " --dry-run", smoke: " --smoke", full: "" }[mode];
  const into = folder === "" ? "" : `cd ${shellWord(folder)}\n`;
  const body = text.endsWith("\n") ? text : `${text}\n`;
  // A word that no line of the text is.
  let end = "EXPERIMENT";
  while (body.split("\n").includes(end)) end += "_";
  return `${into}cat > experiment.yaml <<'${end}'\n${body}${end}\nmlhub run experiment.yaml${flag}\n`;
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The seeds of an experiment, as far as they can be read. */
export function seedsOf(values: JsonObject | undefined): number {
  const seeds = values?.seeds;
  return Array.isArray(seeds) ? Math.max(1, asArray(seeds).length) : 1;
}
