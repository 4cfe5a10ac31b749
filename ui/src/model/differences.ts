/** Values of several runs side by side: which differ, and from the baseline in what way. */

import { formatBytes } from "./format";
import { asArray, asJson, asNumber, asObject, asText, inline, isEmpty, type Json, leaves } from "./json";

/** One thing over all runs; `undefined` where a run has none. */
export interface ValueRow {
  path: string;
  values: readonly (string | undefined)[];
}

export type Change = "same" | "added" | "removed" | "changed";

/** What a run's value is beside the baseline's. */
export function changeOf(value: string | undefined, baseline: string | undefined): Change {
  if (value === baseline) return "same";
  if (baseline === undefined) return "added";
  return value === undefined ? "removed" : "changed";
}

export function differs(row: ValueRow): boolean {
  return row.values.some((value) => value !== row.values[0]);
}

/** Rows over several tables of values, in the order the names first appear. */
export function rowsOf(tables: readonly ReadonlyMap<string, string>[]): ValueRow[] {
  const paths = new Set(tables.flatMap((table) => [...table.keys()]));
  return [...paths].map((path) => ({ path, values: tables.map((table) => table.get(path)) }));
}

/** Leaves of a config, each as text. Null is a value; what is absent has none. */
export function configValues(config: unknown): Map<string, string> {
  const found = leaves(asJson(config)).filter((leaf) => leaf.path !== "");
  return new Map(found.map((leaf) => [leaf.path, inline(leaf.value)]));
}

/** Rows of the hub's own config comparison: it writes null where a run has no such value. */
export function configRows(rows: readonly { path: string; values: readonly unknown[] }[]): ValueRow[] {
  return rows.map((row) => ({
    path: row.path,
    values: row.values.map((value) =>
      value === null || value === undefined ? undefined : inline(asJson(value)),
    ),
  }));
}

export interface PathGroup {
  prefix: string;
  rows: ValueRow[];
}

/** Rows by what stands before the last dot, sorted; those without a dot come first. */
export function byPrefix(rows: readonly ValueRow[]): PathGroup[] {
  const groups = new Map<string, ValueRow[]>();
  for (const row of [...rows].sort((a, b) => a.path.localeCompare(b.path))) {
    const prefix = row.path.slice(0, Math.max(0, row.path.lastIndexOf(".")));
    const list = groups.get(prefix);
    if (list) list.push(row);
    else groups.set(prefix, [row]);
  }
  return [...groups].sort(([a], [b]) => a.localeCompare(b)).map(([prefix, list]) => ({ prefix, rows: list }));
}

/** The last part of a dotted path. */
export function leafName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

function put(into: Map<string, string>, name: string, value: Json | undefined): void {
  if (!isEmpty(value)) into.set(name, inline(value));
}

/** A name with its version, of `name==version` and of `name @ address`. */
export function packageOf(text: string): [string, string] {
  const found = /^([^=@<>~! ]+)\s*(?:===?|@)\s*(.+)$/.exec(text);
  return found ? [(found[1] ?? text).toLowerCase(), found[2] ?? ""] : [text.toLowerCase(), "present"];
}

/** Packages by name, each with its version. */
export function packages(environment: unknown): Map<string, string> {
  const list = asArray(asObject(environment).packages).flatMap((one) => asText(one) ?? []);
  return new Map(list.map(packageOf).sort(([a], [b]) => a.localeCompare(b)));
}

function gpuText(value: unknown): string | undefined {
  const gpus = asArray(value).map((one) => {
    const gpu = asObject(one);
    return asText(gpu.name) ?? inline(asJson(one));
  });
  if (gpus.length === 0) return undefined;
  const counts = new Map<string, number>();
  for (const name of gpus) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count > 1 ? `${count} × ${name}` : name)).join(", ");
}

interface SnapshotParts {
  environment?: unknown;
  machine?: unknown;
  dataset?: unknown;
  code?: unknown;
  command?: readonly string[];
}

/** Machine and interpreter a run had. */
export function environmentValues(snapshot: SnapshotParts): Map<string, string> {
  const [environment, machine] = [asObject(snapshot.environment), asObject(snapshot.machine)];
  const found = new Map<string, string>();
  put(found, "environment", environment.description);
  put(found, "Python version", environment.python_version);
  put(found, "Python", environment.python);
  put(found, "OS", machine.os);
  put(found, "kernel", machine.kernel);
  put(found, "architecture", machine.architecture);
  put(found, "processor", machine.processor);
  put(found, "cores", machine.cores);
  const memory = asNumber(machine.memory_bytes);
  if (memory !== undefined) found.set("memory", formatBytes(memory));
  const gpus = gpuText(machine.gpus);
  if (gpus) found.set("GPUs", gpus);
  put(found, "host", machine.host);
  put(found, "hub version", machine.mlhub);
  return found;
}

/** The data a run read; splits by their fingerprints. */
export function datasetValues(snapshot: SnapshotParts): Map<string, string> {
  const dataset = asObject(snapshot.dataset);
  const found = new Map<string, string>();
  const name = asText(dataset.name);
  if (name) found.set("dataset", `${name}@${inline(dataset.version)}`);
  put(found, "rows", dataset.rows);
  put(found, "fingerprint", dataset.fingerprint);
  put(found, "split", dataset.split_hash);
  for (const [split, body] of Object.entries(asObject(dataset.splits))) {
    put(found, `split ${split}: rows`, asObject(body).rows);
    put(found, `split ${split}: fingerprint`, asObject(body).fingerprint);
  }
  return found;
}

/** Where a run's code came from. */
export function codeValues(snapshot: SnapshotParts): Map<string, string> {
  const code = asObject(snapshot.code);
  const found = new Map<string, string>();
  put(found, "commit", code.commit);
  put(found, "branch", code.branch);
  put(found, "remote", code.remote);
  if (asText(code.commit)) found.set("state", code.dirty === true ? "uncommitted changes" : "clean");
  put(found, "changes", code.patch_hash);
  put(found, "tree", code.tree_hash);
  if (snapshot.command && snapshot.command.length > 0) found.set("command", snapshot.command.join(" "));
  return found;
}

/** Files that are known by their hash alone: the untracked ones, or all of them without a repository. */
export function fileHashes(snapshot: SnapshotParts): Map<string, string> {
  const code = asObject(snapshot.code);
  const found = new Map<string, string>();
  for (const list of [asObject(code.files), asObject(code.untracked)]) {
    for (const [name, hash] of Object.entries(list)) put(found, name, hash);
  }
  return found;
}

/** Uncommitted changes; undefined when there are none or they were too large to keep. */
export function patchOf(snapshot: SnapshotParts): string | undefined {
  return asText(asObject(snapshot.code).patch);
}
