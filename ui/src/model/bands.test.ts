import { describe, expect, it } from "vitest";
import { meanCurve, PLACES_MAX, readBand } from "./bands";
import type { Curve } from "./series";

function curve(x: number[], y: number[], exact = true): Curve {
  return { x: Float64Array.from(x), y: Float64Array.from(y), marks: [], exact };
}

describe("meanCurve", () => {
  const three = [curve([0, 1], [1, 4]), curve([0, 1], [2, 6]), curve([0, 1], [3, 8])];

  it("is exact where steps agree", () => {
    const mean = meanCurve(three, "std");
    expect([...mean.y]).toEqual([2, 6]);
    expect([...(mean.low ?? [])]).toEqual([1, 4]);
    expect([...(mean.high ?? [])]).toEqual([3, 8]);
    expect([...(mean.counts ?? [])]).toEqual([3, 3]);
    expect([...(mean.between ?? [])]).toEqual([0, 0]);
  });
  it("shows the standard error or the extremes instead", () => {
    expect(meanCurve(three, "error").high?.[1]).toBeCloseTo(6 + 2 / Math.sqrt(3));
    expect(meanCurve(three, "range").low?.[1]).toBe(4);
  });
  it("interpolates between points, says so, and continues no run beyond its ends", () => {
    const mean = meanCurve([curve([0, 4], [0, 4]), curve([2, 6], [10, 10])], "range");
    expect([...mean.x]).toEqual([0, 2, 4, 6]);
    expect([...mean.y]).toEqual([0, 6, 7, 10]);
    expect([...(mean.counts ?? [])]).toEqual([1, 2, 2, 1]);
    expect([...(mean.between ?? [])]).toEqual([0, 1, 1, 0]);
  });
  it("leaves out values that are not finite", () => {
    const mean = meanCurve([curve([0, 1], [1, Number.NaN]), curve([0, 1], [3, 5])], "std");
    expect([...mean.y]).toEqual([2, 5]);
    expect([...(mean.counts ?? [])]).toEqual([2, 1]);
    expect(mean.low?.[1]).toBe(5);
  });
  it("has a gap where no run counts", () => {
    const mean = meanCurve([curve([0, 1], [1, Number.NaN])], "std");
    expect(mean.y[1]).toBeNaN();
    expect(mean.counts?.[1]).toBe(0);
  });
  it("bounds its places, and says when a run was reduced", () => {
    const many = (shift: number) =>
      curve(
        Array.from({ length: 3000 }, (_, i) => i + shift),
        Array.from({ length: 3000 }, () => 1),
        shift === 0,
      );
    const mean = meanCurve([many(0), many(0.5)], "std");
    expect(mean.x).toHaveLength(PLACES_MAX);
    expect(mean.exact).toBe(false);
    expect(new Set(mean.y)).toEqual(new Set([1]));
  });
  it("takes the extremes of reduced runs for the range", () => {
    const reduced: Curve = {
      ...curve([0], [5], false),
      low: Float64Array.of(-9),
      high: Float64Array.of(50),
    };
    const mean = meanCurve([reduced, curve([0], [6])], "range");
    expect([mean.low?.[0], mean.high?.[0]]).toEqual([-9, 50]);
  });
});

describe("readBand", () => {
  it("knows its bands", () => {
    expect([readBand("std"), readBand("none"), readBand(3)]).toEqual(["std", undefined, undefined]);
  });
});
