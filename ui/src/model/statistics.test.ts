import { describe, expect, it } from "vitest";
import { groupMetric, sharedValue, tableRows } from "./groups";
import { smooth } from "./smoothing";
import { extent, spread } from "./statistics";

describe("spread", () => {
  it("has the sample deviation of the finite values", () => {
    expect(spread([1, 2, 3, 4, undefined, Number.NaN])).toEqual({ n: 4, mean: 2.5, std: Math.sqrt(5 / 3) });
  });
  it("has no deviation for one value and nothing for none", () => {
    expect(spread([7])).toEqual({ n: 1, mean: 7, std: undefined });
    expect(spread([Number.POSITIVE_INFINITY])).toBeUndefined();
  });
});

describe("extent", () => {
  it("ignores gaps", () => {
    expect(extent([null, 3, undefined, -1, Number.NaN])).toEqual([-1, 3]);
    expect(extent([null])).toBeUndefined();
  });
});

describe("smooth", () => {
  it("returns the values for weight 0", () => {
    expect(smooth([1, 2, null], 0)).toEqual([1, 2, null]);
  });
  it("starts at the first value and leaves a constant as it is", () => {
    expect(smooth([4, 4, 4], 0.9).map((v) => v?.toFixed(9))).toEqual(Array(3).fill("4.000000000"));
    expect(smooth([8, 0], 0.5)[0]).toBeCloseTo(8, 12);
  });
  it("follows the bias-corrected average", () => {
    // (0.5 * 0.5 * 8 + 0.5 * 2) / (1 - 0.25)
    expect(smooth([8, 2], 0.5)[1]).toBeCloseTo(4, 12);
  });
  it("keeps gaps and does not average over them", () => {
    const result = smooth([1, null, undefined, 1], 0.6);
    expect(result[1]).toBeNull();
    expect(result[2]).toBeUndefined();
    expect(result[3]).toBeCloseTo(1, 12);
  });
});

const run = (id: string, group: string | null, loss: number) => ({ id, group, metrics: { loss } });

describe("tableRows", () => {
  const runs = [run("a", "g", 1), run("b", null, 2), run("c", "g", 3), run("d", "lone", 4)];
  it("folds a group at its first run and shows lone members as runs", () => {
    const rows = tableRows(runs, true, new Set());
    expect(rows.map((row) => row.key)).toEqual(["group:g", "b", "d"]);
  });
  it("unfolds below the group", () => {
    const rows = tableRows(runs, true, new Set(["g"]));
    expect(rows.map((row) => row.key)).toEqual(["group:g", "a", "c", "b", "d"]);
    expect(rows[1]).toMatchObject({ kind: "run", inGroup: true });
  });
  it("shows every run alone when not grouped", () => {
    expect(tableRows(runs, false, new Set()).map((row) => row.key)).toEqual(["a", "b", "c", "d"]);
  });
  it("sums a group up", () => {
    expect(groupMetric([run("a", "g", 1), run("c", "g", 3)], "loss")).toEqual({
      n: 2,
      mean: 2,
      std: Math.SQRT2,
    });
    expect(sharedValue(runs, (r) => r.group)).toBeUndefined();
    expect(sharedValue(runs, (r) => typeof r.id)).toBe("string");
  });
});
