/** The packages of an environment, and what differs between two. */

import { asArray, asObject, asText } from "./json";

export interface Package {
  name: string;
  version: string;
}

export interface PackageRow extends Package {
  /** The version of the other environment; undefined where it has none. */
  other: string | undefined;
  change: "same" | "changed" | "only here" | "only there";
}

/** Packages as they are recorded: `name==version`, objects, or a table by name. */
export function readPackages(environment: unknown): Package[] {
  const { packages } = asObject(environment);
  const list = Array.isArray(packages)
    ? asArray(packages).map((item) => {
        const text = asText(item);
        if (text === undefined) {
          const { name, version } = asObject(item);
          return { name: asText(name) ?? "", version: asText(version) ?? "" };
        }
        const at = text.search(/==|@| @ /);
        if (at < 0) return { name: text, version: "" };
        return { name: text.slice(0, at).trim(), version: text.slice(at).replace(/^[=@\s]+/, "") };
      })
    : Object.entries(asObject(packages)).map(([name, version]) => ({ name, version: asText(version) ?? "" }));
  return list.filter((one) => one.name !== "").sort((a, b) => a.name.localeCompare(b.name));
}

/** Every package of either, by name. */
export function comparePackages(here: readonly Package[], there: readonly Package[]): PackageRow[] {
  const other = new Map(there.map((one) => [one.name, one.version]));
  const own = new Set(here.map((one) => one.name));
  const rows = here.map((one): PackageRow => {
    const version = other.get(one.name);
    const change = version === undefined ? "only here" : version === one.version ? "same" : "changed";
    return { ...one, other: version, change };
  });
  const missing = there
    .filter((one) => !own.has(one.name))
    .map((one): PackageRow => ({ name: one.name, version: "", other: one.version, change: "only there" }));
  return [...rows, ...missing].sort((a, b) => a.name.localeCompare(b.name));
}
