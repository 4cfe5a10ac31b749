import { describe, expect, it } from "vitest";
import { configDifferences, configEntries, configTree, readOrigin } from "./config";

describe("readOrigin", () => {
  it.each([
    [
      { kind: "adapter_default", adapter: "native", version: "0.1.0" },
      "default",
      "default",
      "Default of native 0.1.0",
    ],
    [{ kind: "file", file: "a/b.yaml", line: 7, column: 3 }, "file", "b.yaml:7", "a/b.yaml:7:3"],
    [{ kind: "override", text: "params.lr=0.1" }, "override", "--set", "--set params.lr=0.1"],
    [{ kind: "smoke", adapter: "native" }, "smoke", "smoke", "Smoke settings of native"],
    [{ kind: "builtin_default" }, "hub", "hub default", "Default of the hub"],
  ])("%j", (origin, kind, label, detail) => {
    expect(readOrigin(origin)).toEqual({ kind, label, detail });
  });
  it("says so when the origin is not known", () => {
    expect(readOrigin({ kind: "from the future" }).kind).toBe("unknown");
    expect(readOrigin(null).kind).toBe("unknown");
  });
});

describe("configEntries", () => {
  const config = { project: "p", params: { lr: 0.1, layers: [8, 4], deep: { x: null } }, empty: {} };
  const origins = {
    project: { kind: "file", file: "e.yaml", line: 1, column: 1 },
    "params.lr": { kind: "override", text: "params.lr=0.1" },
    "params.deep": { kind: "smoke", adapter: "a" },
  };
  const changes = [{ path: "params.lr", default: 0.3, value: 0.1 }];
  const entries = configEntries(config, origins, changes);
  const at = (path: string) => entries.find((entry) => entry.path === path);

  it("has a row per leaf, in the order of the config", () => {
    expect(entries.map((entry) => entry.path)).toEqual([
      "project",
      "params.lr",
      "params.layers",
      "params.deep.x",
      "empty",
    ]);
    expect(at("params.layers")?.value).toEqual([8, 4]);
  });
  it("finds origins by path or nearest ancestor", () => {
    expect(at("params.lr")?.origin.kind).toBe("override");
    expect(at("params.deep.x")?.origin.kind).toBe("smoke");
    expect(at("params.layers")?.origin.kind).toBe("unknown");
  });
  it("tells what changed from the default, and the default", () => {
    expect(at("params.lr")).toMatchObject({ changed: true, defaultValue: 0.3 });
    expect(at("project")).toMatchObject({ changed: false, defaultValue: undefined });
  });
  it("folds into a tree", () => {
    const shown = (closed: string[]) =>
      configTree(entries, new Set(closed)).map((row) => [row.path, row.depth]);
    expect(shown([])).toEqual([
      ["project", 0],
      ["params", 0],
      ["params.lr", 1],
      ["params.layers", 1],
      ["params.deep", 1],
      ["params.deep.x", 2],
      ["empty", 0],
    ]);
    expect(shown(["params"])).toEqual([
      ["project", 0],
      ["params", 0],
      ["empty", 0],
    ]);
    expect(configTree(entries, new Set(["params"]))[1]).toMatchObject({ count: 3, changed: 1, open: false });
  });
});

describe("configDifferences", () => {
  it("names only what differs, and what one side lacks", () => {
    const other = { a: 1, b: { c: [1, 2] }, e: null };
    expect(configDifferences({ a: 1, b: { c: [1] }, d: "x", e: null }, other)).toEqual([
      { path: "b.c", here: [1], there: [1, 2] },
      { path: "d", here: "x", there: undefined },
    ]);
    expect(configDifferences(other, other)).toEqual([]);
  });
});
