import { describe, expect, it } from "vitest";
import { appended, grown, lastStep, resumeStep } from "./increments";
import type { RawSeries } from "./series";

function series(run: string, steps: number[], values: number[] = steps, exact = true): RawSeries {
  return {
    run,
    metric: "loss",
    steps: Float64Array.from(steps),
    times_ms: Float64Array.from(steps),
    values: Float64Array.from(values),
    exact,
    total: steps.length,
    non_finite: values.filter((value) => !Number.isFinite(value)).length,
  };
}

describe("where to go on from", () => {
  it("is the least last step of what changed, and the beginning for what is new", () => {
    const held = [series("a", [1, 9]), series("b", [4]), series("c", [2])];
    expect(resumeStep(held, new Set(["a", "b"]), ["loss"])).toBe(4);
    expect(resumeStep(held, new Set(["a", "x"]), ["loss"])).toBeUndefined();
    expect(lastStep(series("a", [3, 7, 5]))).toBe(7);
  });
});

describe("grown", () => {
  it("appends what came after, and takes the last step as it is now", () => {
    const next = grown(series("a", [1, 2, 3]), series("a", [3, 4], [30, Number.NaN]));
    expect(next.steps).toEqual(Float64Array.of(1, 2, 3, 4));
    expect(next.values).toEqual(Float64Array.of(1, 2, 30, Number.NaN));
    expect(next).toMatchObject({ total: 4, non_finite: 1, exact: true });
  });
  it("ignores what it holds already", () => {
    expect(grown(series("a", [5, 6]), series("a", [1, 2, 6, 7])).steps).toEqual(Float64Array.of(5, 6, 7));
  });
  it("keeps its last step when that did not come again", () => {
    expect(grown(series("a", [1, 2]), series("a", [3])).steps).toEqual(Float64Array.of(1, 2, 3));
  });
  it("equals the whole series, however it is cut", () => {
    const steps = Array.from({ length: 30 }, (_, i) => i);
    for (let cut = 1; cut < 30; cut += 1) {
      const next = grown(series("a", steps.slice(0, cut)), series("a", steps.slice(cut - 1)));
      expect(next).toEqual(series("a", steps));
    }
  });
});

describe("appended", () => {
  const held = [series("b", [1]), series("a", [1])];
  it("keeps the order of runs and lets new series in", () => {
    const next = appended(held, [series("c", [1, 2]), series("a", [1, 2])], ["a", "b", "c"], ["loss"], 100);
    expect(next?.map((one) => [one.run, one.total])).toEqual([
      ["a", 2],
      ["b", 1],
      ["c", 2],
    ]);
  });
  it("gives up where points were left out or the budget is outgrown", () => {
    expect(appended(held, [series("a", [1, 2], [1, 2], false)], ["a"], ["loss"], 100)).toBeUndefined();
    expect(appended(held, [series("a", [1, 2, 3, 4])], ["a"], ["loss"], 2)).toBeUndefined();
  });
});
