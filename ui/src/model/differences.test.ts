import { describe, expect, it } from "vitest";
import {
  byPrefix,
  changeOf,
  configRows,
  configValues,
  datasetValues,
  differs,
  environmentValues,
  fileHashes,
  packageOf,
  packages,
  rowsOf,
} from "./differences";

describe("values side by side", () => {
  it("tells added, removed and changed from the baseline", () => {
    expect(changeOf("1", "1")).toBe("same");
    expect(changeOf("1", undefined)).toBe("added");
    expect(changeOf(undefined, "1")).toBe("removed");
    expect(changeOf("2", "1")).toBe("changed");
    expect(changeOf(undefined, undefined)).toBe("same");
  });

  it("sets packages of several runs beside each other", () => {
    const rows = rowsOf([
      packages({ packages: ["NumPy==2.0", "torch==2.9", "mine @ file:///x"] }),
      packages({ packages: ["numpy==2.1", "torch==2.9"] }),
    ]);
    expect(rows.filter(differs)).toEqual([
      { path: "mine", values: ["file:///x", undefined] },
      { path: "numpy", values: ["2.0", "2.1"] },
    ]);
    expect(packageOf("odd")).toEqual(["odd", "present"]);
  });

  it("reads a config with null as a value, and the hub's own comparison", () => {
    expect([...configValues({ a: { b: null, c: [1, 2] } })]).toEqual([
      ["a.b", "null"],
      ["a.c", "[1,2]"],
    ]);
    expect(configRows([{ path: "a", values: [null, [], "x"] }])).toEqual([
      { path: "a", values: [undefined, "[]", "x"] },
    ]);
  });

  it("groups by the path before the last dot", () => {
    const rows = ["b.x.y", "a", "b.x.a", "b.c"].map((path) => ({ path, values: [] }));
    expect(byPrefix(rows).map((one) => [one.prefix, one.rows.map((row) => row.path)])).toEqual([
      ["", ["a"]],
      ["b", ["b.c"]],
      ["b.x", ["b.x.a", "b.x.y"]],
    ]);
  });

  it("reads machines, data and files, and nothing where nothing is", () => {
    const gpu = { name: "A100", index: 0 };
    const machine = { os: "Linux", memory_bytes: 1024, gpus: [gpu, { ...gpu, index: 1 }] };
    expect([...environmentValues({ machine })]).toEqual([
      ["OS", "Linux"],
      ["memory", "1.0 KiB"],
      ["GPUs", "2 × A100"],
    ]);
    const dataset = { name: "digits", version: 2, splits: { test: { rows: 5 } } };
    expect([...datasetValues({ dataset })]).toEqual([
      ["dataset", "digits@2"],
      ["split test: rows", "5"],
    ]);
    expect([...fileHashes({ code: { files: { a: "1" }, untracked: { b: "2" } } })]).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
    expect(environmentValues({}).size + datasetValues({}).size).toBe(0);
  });
});
