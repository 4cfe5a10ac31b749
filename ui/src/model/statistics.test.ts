import { describe, expect, it } from "vitest";
import { smooth } from "./smoothing";
import { extent } from "./statistics";

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
