import { describe, expect, it } from "vitest";
import { comparePackages, readPackages } from "./packages";

describe("packages", () => {
  it("reads the ways they are recorded", () => {
    expect(readPackages({ packages: ["torch==2.5.1+cpu", "local @ file:///x", "bare"] })).toEqual([
      { name: "bare", version: "" },
      { name: "local", version: "file:///x" },
      { name: "torch", version: "2.5.1+cpu" },
    ]);
    expect(readPackages({ packages: [{ name: "a", version: "1" }] })).toEqual([{ name: "a", version: "1" }]);
    expect(readPackages({ packages: { a: "1" } })).toEqual([{ name: "a", version: "1" }]);
    expect(readPackages(null)).toEqual([]);
  });
  it("tells what differs", () => {
    const here = readPackages({ packages: ["a==1", "b==1", "c==1"] });
    const there = readPackages({ packages: ["a==1", "b==2", "d==1"] });
    expect(comparePackages(here, there).map((row) => [row.name, row.change, row.other])).toEqual([
      ["a", "same", "1"],
      ["b", "changed", "2"],
      ["c", "only here", undefined],
      ["d", "only there", "1"],
    ]);
  });
});
