import { describe, expect, it } from "vitest";
import { isLaunchOver, launchSteps, mistakesAt, pathKeys, readNewSearch } from "./launch";

const mistake = (path: string) => ({
  path,
  kind: "wrong_type",
  message: "m",
  line: 1,
  column: 1,
  help: null,
});

describe("launches", () => {
  it("are addressed by what has a meaning", () => {
    expect(readNewSearch({ adapter: "native", from: "", project: 7, other: "x", launch: ["a"] })).toEqual({
      adapter: "native",
      project: "7",
    });
  });

  it("go through their steps", () => {
    const standing = (...of: Parameters<typeof launchSteps>) =>
      launchSteps(...of).map((step) => step.standing);
    expect(standing("starting", "starting")).toEqual(["now", "ahead", "ahead"]);
    expect(standing("dataset", "dataset")).toEqual(["done", "now", "ahead"]);
    expect(standing("started", "dataset")).toEqual(["done", "done", "done"]);
    expect(standing("failed", "dataset")).toEqual(["done", "broken", "ahead"]);
    expect(standing("stopped", "starting")).toEqual(["broken", "ahead", "ahead"]);
    expect([isLaunchOver("lost"), isLaunchOver("environment")]).toEqual([true, false]);
  });

  it("have mistakes at a value, in it and below it", () => {
    const all = ["params.a", "params.ab", "params.a.b", "params.a[2]", "dataset"].map(mistake);
    expect(mistakesAt(all, ["params", "a"]).map((one) => one.path)).toEqual([
      "params.a",
      "params.a.b",
      "params.a[2]",
    ]);
    expect(pathKeys("params.a[2].b")).toEqual(["params", "a"]);
    expect(pathKeys("")).toEqual([]);
  });
});
