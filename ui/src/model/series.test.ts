import { describe, expect, it } from "vitest";
import { align, positiveOnly, smoothed, stepRange } from "./series";

const a = { run: "a", steps: [0, 1, 2], times_ms: [1000, 2000, 3000], values: [1, "NaN" as const, 3] };
const b = { run: "b", steps: [2, 4], times_ms: [9000, 9500], values: [-5, 7] };

describe("align", () => {
  it("merges onto the union of steps; missing and not finite stay apart", () => {
    const result = align([a, b], "step");
    expect(result.x).toEqual([0, 1, 2, 4]);
    expect(result.columns).toEqual([
      [1, null, 3, undefined],
      [undefined, undefined, -5, 7],
    ]);
    expect(result.nonFinite).toEqual([{ x: 1, series: 0 }]);
  });
  it("starts every run at zero on the time axis", () => {
    expect(align([a, b], "time").x).toEqual([0, 0.5, 1, 2]);
  });
  it("sorts steps that go backwards; of a repeated step the last value shows", () => {
    const odd = { run: "c", steps: [5, 1, 5], times_ms: [1, 2, 3], values: [10, 20, 30] };
    const result = align([odd], "step");
    expect(result.x).toEqual([1, 5]);
    expect(result.columns[0]).toEqual([20, 30]);
  });
  it("draws nothing for nothing", () => {
    expect(align([], "step")).toEqual({ x: [], columns: [], nonFinite: [] });
  });
});

describe("what charts do with it", () => {
  it("smooths each series by itself and keeps gaps", () => {
    const result = smoothed(align([a, b], "step"), 0.5);
    expect(result.columns[0]?.[1]).toBeNull();
    expect(result.columns[1]?.[0]).toBeUndefined();
  });
  it("leaves out what a logarithmic axis cannot show", () => {
    expect(positiveOnly(align([b], "step")).columns[0]).toEqual([null, 7]);
  });
  it("asks for the steps under a zoom, on either axis", () => {
    expect(stepRange([a], "step", [0.4, 1.6])).toEqual([0, 2]);
    expect(stepRange([a, b], "time", [0.4, 1.2])).toEqual([1, 4]);
    expect(stepRange([a], "time", [50, 60])).toBeUndefined();
  });
});
