import { describe, expect, it } from "vitest";
import { readSlices, sliceDefinitions, sliceDomain, sliceGap, sliceRows, usualDefinition } from "./slices";

const metric = (name: string, value: unknown, low?: unknown, high?: unknown) => ({
  name,
  definition: `${name}@1`,
  value,
  low,
  high,
});
const CURVES = {
  slices: [
    { column: "site", value: "north", n: 90, metrics: [metric("accuracy", 0.9, 0.8, 0.95)] },
    { column: "age", value: "young", n: 60, metrics: [metric("accuracy", 0.7)] },
    {
      column: "site",
      value: "south",
      n: 40,
      metrics: [metric("accuracy", 0.6, "NaN", 0.7), metric("mae", 2)],
    },
    { column: "site", value: "east", n: 12, metrics: [metric("accuracy", "NaN")] },
    { column: "site", value: "west", n: 11, metrics: [metric("accuracy", 0.1)] },
    { column: "site", value: 7, n: "many", metrics: null },
    { value: "no column" },
    null,
  ],
};

function column(name: string) {
  const found = readSlices(CURVES).find((one) => one.column === name);
  if (!found) throw new Error(name);
  return found;
}

describe("slices", () => {
  it("are read by column, whatever else is there", () => {
    expect(readSlices(CURVES).map((one) => [one.column, one.slices.length])).toEqual([
      ["site", 5],
      ["age", 1],
    ]);
    expect(column("site").slices[1]?.metrics[0]).toMatchObject({ value: 0.6, low: undefined, high: 0.7 });
    expect(column("site").slices[4]).toEqual({ value: "7", n: 0, metrics: [] });
    for (const nothing of [undefined, null, 3, {}, { slices: {} }]) expect(readSlices(nothing)).toEqual([]);
  });

  it("offer their metrics, at first one that has a direction", () => {
    expect(sliceDefinitions(column("site"))).toEqual(["accuracy@1", "mae@1"]);
    const directions = new Map([
      ["accuracy@1", "none"],
      ["mae@1", "minimize"],
    ]);
    expect(usualDefinition(["accuracy@1", "mae@1"], directions)).toBe("mae@1");
    expect(usualDefinition(["accuracy@1"], directions)).toBe("accuracy@1");
    expect(usualDefinition([], directions)).toBeUndefined();
  });

  it("come with the worst first, those without a value last, and small ones marked", () => {
    const names = (direction: string | undefined) =>
      sliceRows(column("site"), "accuracy@1", direction).map((row) => row.value);
    expect(names("maximize")).toEqual(["west", "south", "north", "east", "7"]);
    expect(names("minimize")).toEqual(["north", "south", "west", "east", "7"]);
    expect(names(undefined)).toEqual(["north", "south", "east", "west", "7"]);
    const small = sliceRows(column("site"), "accuracy@1", "maximize").filter((row) => row.small);
    expect(small.map((row) => row.value)).toEqual(["west", "east", "7"]);
  });

  it("share one axis", () => {
    const [low, high] = sliceDomain(sliceRows(column("site"), "accuracy@1", "maximize"));
    expect(low).toBeLessThan(0.1);
    expect(high).toBeGreaterThan(0.95);
    expect(sliceDomain([])[0]).toBeLessThan(0.5);
  });

  it("have a gap between best and worst, without the small ones", () => {
    const rows = sliceRows(column("site"), "accuracy@1", "maximize");
    const gap = sliceGap(rows, "maximize");
    expect(gap).toMatchObject({ worst: "south", best: "north", left: 3 });
    expect(gap?.gap).toBeCloseTo(0.3);
    expect(sliceGap(rows, "minimize")).toMatchObject({ worst: "north", best: "south" });
    expect(sliceGap(sliceRows(column("age"), "accuracy@1", "maximize"), "maximize")).toBeUndefined();
  });
});
