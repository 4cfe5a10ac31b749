/** Versions of a dataset beside each other, which runs used them, and the preview of one. Pure. */

import type { DatasetVersionView, RunSummary } from "~/api/types";
import { type Column, readColumns, readFiles } from "./dataset";
import { quoted } from "./language";

/** Cells as the hub sends them. */
export type Cell = string | number | boolean | null;

export interface DatasetPreview {
  columns: string[];
  rows: Cell[][];
  total_rows: number;
}

/** Finds the runs on a dataset, of one version or of any. */
export function onDataset(name: string, version?: number): string {
  if (version !== undefined) return `dataset = ${quoted(`${name}@${version}`)}`;
  const pattern = `^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}@`;
  return `dataset ~ ${quoted(pattern)}`;
}

/** The version in a run's `name@version`. */
export function versionOf(dataset: string | null | undefined): number | undefined {
  const text = /@(\d+)$/.exec(dataset ?? "")?.[1];
  return text === undefined ? undefined : Number(text);
}

export interface VersionUse {
  runs: number;
  projects: string[];
}

/** Which versions runs were trained on, with their projects. */
export function usesByVersion(
  runs: readonly Pick<RunSummary, "dataset" | "project">[],
): Map<number, VersionUse> {
  const uses = new Map<number, VersionUse>();
  for (const run of runs) {
    const version = versionOf(run.dataset);
    if (version === undefined) continue;
    const use = uses.get(version) ?? { runs: 0, projects: [] };
    use.runs += 1;
    if (!use.projects.includes(run.project)) use.projects.push(run.project);
    uses.set(version, use);
  }
  return uses;
}

export interface ColumnChange {
  name: string;
  kind: "added" | "removed" | "changed";
  /** What changed, as `missing 3 to 0`; empty for added and removed. */
  changes: { what: string; before: number | string | undefined; after: number | string | undefined }[];
}

export interface VersionChanges {
  rows: number | undefined;
  bytes: number;
  columns: ColumnChange[];
  files: { path: string; kind: "added" | "removed" | "changed" }[];
}

const COMPARED = ["dtype", "nulls", "distinct", "nonFinite", "min", "max", "mean", "std"] as const;
const NAMES: Record<(typeof COMPARED)[number], string> = {
  dtype: "type",
  nulls: "missing",
  distinct: "distinct",
  nonFinite: "non-finite",
  min: "min",
  max: "max",
  mean: "mean",
  std: "std",
};

function columnChanges(before: readonly Column[], after: readonly Column[]): ColumnChange[] {
  const old = new Map(before.map((column) => [column.name, column]));
  const now = new Set(after.map((column) => column.name));
  const gone = before
    .filter((column) => !now.has(column.name))
    .map(({ name }): ColumnChange => ({ name, kind: "removed", changes: [] }));
  const rest = after.flatMap((column): ColumnChange[] => {
    const was = old.get(column.name);
    if (!was) return [{ name: column.name, kind: "added", changes: [] }];
    const changes = COMPARED.filter((key) => was[key] !== column[key]).map((key) => ({
      what: NAMES[key],
      before: was[key],
      after: column[key],
    }));
    return changes.length > 0 ? [{ name: column.name, kind: "changed", changes }] : [];
  });
  return [...rest, ...gone];
}

function fileChanges(before: unknown, after: unknown): VersionChanges["files"] {
  const old = new Map(readFiles(before).map((file) => [file.path, file.hash]));
  const now = readFiles(after);
  const kept = new Set(now.map((file) => file.path));
  return [
    ...now
      .filter((file) => !old.has(file.path) || old.get(file.path) !== file.hash)
      .map((file) => ({
        path: file.path,
        kind: old.has(file.path) ? ("changed" as const) : ("added" as const),
      })),
    ...[...old.keys()].filter((path) => !kept.has(path)).map((path) => ({ path, kind: "removed" as const })),
  ];
}

/** What is different in `after`, in the order of its columns. */
export function versionChanges(before: DatasetVersionView, after: DatasetVersionView): VersionChanges {
  const [was, is] = [before.rows ?? undefined, after.rows ?? undefined];
  return {
    rows: was === undefined || is === undefined ? undefined : is - was,
    bytes: after.size_bytes - before.size_bytes,
    columns: columnChanges(readColumns(before.inspection), readColumns(after.inspection)),
    files: fileChanges(before.inspection, after.inspection),
  };
}

/** Where a column's values lie, 0 to 1 of its range: the mean and one deviation to each side. */
export function spread(column: Column): { mean: number; low: number; high: number } | undefined {
  const { min, max, mean, std } = column;
  if (min === undefined || max === undefined || mean === undefined || !(max > min)) return undefined;
  const at = (value: number) => Math.min(1, Math.max(0, (value - min) / (max - min)));
  return { mean: at(mean), low: at(mean - (std ?? 0)), high: at(mean + (std ?? 0)) };
}
