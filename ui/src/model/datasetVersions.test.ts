import { describe, expect, it } from "vitest";
import type { DatasetVersionView } from "~/api/types";
import { onDataset, spread, usesByVersion, versionChanges, versionOf } from "./datasetVersions";

const column = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  dtype: "float",
  nulls: 0,
  ...more,
});
const version = (columns: unknown[], rows: number, files: unknown[] = []): DatasetVersionView => ({
  name: "digits",
  version: 1,
  fingerprint: "v1:0",
  format: "csv",
  source: "x.csv",
  owner: "local",
  created_at: 0,
  rows,
  size_bytes: rows * 10,
  inspection: { columns, files } as never,
});

describe("versions of a dataset", () => {
  it("tell which columns came, went and changed, and how", () => {
    const before = version([column("a", { mean: 1 }), column("b"), column("same")], 10);
    const after = version([column("a", { mean: 2, nulls: 3 }), column("c"), column("same")], 12);
    const changes = versionChanges(before, after);
    expect(changes).toMatchObject({ rows: 2, bytes: 20 });
    expect(changes.columns).toEqual([
      {
        name: "a",
        kind: "changed",
        changes: [
          { what: "missing", before: 0, after: 3 },
          { what: "mean", before: 1, after: 2 },
        ],
      },
      { name: "c", kind: "added", changes: [] },
      { name: "b", kind: "removed", changes: [] },
    ]);
  });
  it("tell which files changed", () => {
    const before = version([], 1, [
      { path: "a", hash: "1" },
      { path: "b", hash: "2" },
    ]);
    const after = version([], 1, [
      { path: "a", hash: "9" },
      { path: "c", hash: "3" },
    ]);
    expect(versionChanges(before, after).files).toEqual([
      { path: "a", kind: "changed" },
      { path: "c", kind: "added" },
      { path: "b", kind: "removed" },
    ]);
  });
  it("are the same as themselves", () => {
    const one = version([column("a")], 5, [{ path: "a", hash: "1" }]);
    expect(versionChanges(one, one)).toEqual({ rows: 0, bytes: 0, columns: [], files: [] });
  });
});

describe("runs on a dataset", () => {
  it("are found by exact name, whatever is in it", () => {
    expect(onDataset("digits", 2)).toBe("dataset = 'digits@2'");
    expect(onDataset("a.b'c")).toBe("dataset ~ '^a\\\\.b\\'c@'");
  });
  it("are counted by version", () => {
    const uses = usesByVersion([
      { dataset: "digits@1", project: "p" },
      { dataset: "digits@1", project: "q" },
      { dataset: "digits@12", project: "p" },
      { dataset: null, project: "p" },
    ]);
    expect(uses.get(1)).toEqual({ runs: 2, projects: ["p", "q"] });
    expect(uses.get(12)?.runs).toBe(1);
    expect(versionOf("a@b@3")).toBe(3);
  });
});

describe("spread", () => {
  const base = {
    ...{ name: "a", dtype: "float", nulls: 0, distinct: 5, distinctCapped: false, nonFinite: 0 },
    histogram: undefined,
  };
  it("lies within the range", () => {
    expect(spread({ ...base, min: 0, max: 10, mean: 2, std: 3 })).toEqual({ mean: 0.2, low: 0, high: 0.5 });
  });
  it("is nothing for a constant or a text", () => {
    expect(spread({ ...base, min: 3, max: 3, mean: 3, std: 0 })).toBeUndefined();
    expect(
      spread({ ...base, min: undefined, max: undefined, mean: undefined, std: undefined }),
    ).toBeUndefined();
  });
});
