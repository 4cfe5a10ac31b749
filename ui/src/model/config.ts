/** The resolved config as rows, each with where its value came from. */

import { asArray, asJson, asNumber, asObject, asText, type Json, leaves } from "./json";

export type OriginKind = "default" | "file" | "override" | "smoke" | "hub" | "unknown";

export interface Origin {
  kind: OriginKind;
  /** A few words for the badge. */
  label: string;
  /** The whole origin, for hover. */
  detail: string;
}

export interface ConfigEntry {
  path: string;
  value: Json;
  origin: Origin;
  /** Whether it differs from the adapter's default. */
  changed: boolean;
  /** The adapter's default where it was replaced and is known. */
  defaultValue: Json | undefined;
}

const UNKNOWN: Origin = { kind: "unknown", label: "unknown", detail: "The origin was not recorded." };

/** Reads an origin as the config resolver writes it. */
export function readOrigin(value: unknown): Origin {
  const origin = asObject(value);
  switch (asText(origin.kind)) {
    case "adapter_default": {
      const adapter = `${asText(origin.adapter) ?? "adapter"} ${asText(origin.version) ?? ""}`.trim();
      return { kind: "default", label: "default", detail: `Default of ${adapter}` };
    }
    case "file": {
      const file = asText(origin.file) ?? "file";
      const line = asNumber(origin.line);
      const column = asNumber(origin.column);
      const name = file.slice(file.lastIndexOf("/") + 1);
      const place = line === undefined ? "" : `:${line}`;
      const exact = column === undefined ? place : `${place}:${column}`;
      return { kind: "file", label: `${name}${place}`, detail: `${file}${exact}` };
    }
    case "override":
      return { kind: "override", label: "--set", detail: `--set ${asText(origin.text) ?? ""}`.trim() };
    case "smoke":
      return {
        kind: "smoke",
        label: "smoke",
        detail: `Smoke settings of ${asText(origin.adapter) ?? "the adapter"}`,
      };
    case "builtin_default":
      return { kind: "hub", label: "hub default", detail: "Default of the hub" };
    default:
      return UNKNOWN;
  }
}

/** Paths that changed, with the default where it is told. */
function changedPaths(changes: unknown): Map<string, Json | undefined> {
  const result = new Map<string, Json | undefined>();
  if (Array.isArray(changes)) {
    for (const item of asArray(changes)) {
      const path = typeof item === "string" ? item : asText(asObject(item).path);
      if (path !== undefined) result.set(path, asObject(item).default);
    }
    return result;
  }
  for (const [path, change] of Object.entries(asObject(changes))) {
    const body = asObject(change);
    result.set(path, "default" in body ? asJson(body.default) : undefined);
  }
  return result;
}

/** The value for a path or its nearest ancestor. */
function nearest<T>(table: ReadonlyMap<string, T>, path: string): T | undefined {
  for (let key = path; key !== ""; key = key.includes(".") ? key.slice(0, key.lastIndexOf(".")) : "") {
    if (table.has(key)) return table.get(key);
  }
  return undefined;
}

/** Rows of a resolved config, in the order of the config. */
export function configEntries(config: unknown, origins: unknown, changes: unknown): ConfigEntry[] {
  const byPath = new Map(Object.entries(asObject(origins)).map(([k, v]) => [k, readOrigin(v)] as const));
  const changed = changedPaths(changes);
  return leaves(asJson(config))
    .filter((leaf) => leaf.path !== "")
    .map(({ path, value }) => {
      const origin = nearest(byPath, path) ?? UNKNOWN;
      const known = changed.has(path);
      return { path, value, origin, changed: known, defaultValue: known ? changed.get(path) : undefined };
    });
}

export type ConfigRow =
  | {
      kind: "group";
      path: string;
      name: string;
      depth: number;
      count: number;
      changed: number;
      open: boolean;
    }
  | { kind: "leaf"; path: string; name: string; depth: number; entry: ConfigEntry };

/** The entries as a tree, in their order; `closed` names the groups that are folded. */
export function configTree(entries: readonly ConfigEntry[], closed: ReadonlySet<string>): ConfigRow[] {
  const rows: ConfigRow[] = [];
  const groups = new Map<string, Extract<ConfigRow, { kind: "group" }>>();
  for (const entry of entries) {
    const parts = entry.path.split(".");
    let hidden = false;
    for (let depth = 0; depth < parts.length - 1; depth += 1) {
      const path = parts.slice(0, depth + 1).join(".");
      let group = groups.get(path);
      if (!group) {
        const open = !closed.has(path);
        group = { kind: "group", path, name: parts[depth] ?? "", depth, count: 0, changed: 0, open };
        groups.set(path, group);
        if (!hidden) rows.push(group);
      }
      group.count += 1;
      if (entry.changed) group.changed += 1;
      hidden ||= !group.open;
    }
    const depth = parts.length - 1;
    if (!hidden) rows.push({ kind: "leaf", path: entry.path, name: parts[depth] ?? "", depth, entry });
  }
  return rows;
}

export interface ConfigDifference {
  path: string;
  /** Undefined where that run's config has no such key. */
  here: Json | undefined;
  there: Json | undefined;
}

/** Where two configs differ, by path. */
export function configDifferences(here: unknown, there: unknown): ConfigDifference[] {
  const table = (config: unknown) =>
    new Map(
      leaves(asJson(config))
        .filter((leaf) => leaf.path !== "")
        .map((leaf) => [leaf.path, leaf.value] as const),
    );
  const a = table(here);
  const b = table(there);
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((path) => JSON.stringify(a.get(path)) !== JSON.stringify(b.get(path)))
    .map((path) => ({ path, here: a.get(path), there: b.get(path) }));
}
