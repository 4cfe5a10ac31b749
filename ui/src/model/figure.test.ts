import { describe, expect, it } from "vitest";
import { FIGURE, type FigureSeries, figureOf } from "./figure";

function series(values: FigureSeries["values"], more: Partial<FigureSeries> = {}): FigureSeries {
  const steps = values.map((_, i) => i);
  return { run: "a", steps, times_ms: steps.map((s) => 1000 + s * 10), values, exact: true, ...more };
}

describe("a figure", () => {
  it("places every point between the axes", () => {
    const figure = figureOf([series([0, 10, 5])], "step", false);
    const [first, ...rest] = figure?.lines[0]?.path.split("L") ?? [];
    expect(first).toMatch(new RegExp(`^M${FIGURE.left}\\.0 `));
    expect(rest).toHaveLength(2);
    // The spike stands highest: svg counts down from the top.
    const heights = [first?.slice(1), ...rest].map((place) => Number(place?.split(" ")[1]));
    expect(Math.min(...heights)).toBe(heights[1]);
  });

  it("leaves gaps where values are not finite and says how many", () => {
    const figure = figureOf([series([1, "NaN", 3, 4])], "step", false);
    expect(figure?.lines[0]?.path.match(/M/g)).toHaveLength(2);
    expect(figure?.lines[0]?.path).toContain("h0.01");
    expect(figure?.undrawn).toBe(1);
  });

  it("has powers of ten on a logarithmic axis and counts what is not positive", () => {
    const figure = figureOf([series([0.001, 0, 1000])], "step", true);
    expect(figure?.undrawn).toBe(1);
    for (const tick of figure?.yTicks ?? []) expect(Number.isInteger(Math.log10(tick.value))).toBe(true);
  });

  it("counts time from the start of the run", () => {
    const figure = figureOf([series([1, 2], { origin_ms: 900 })], "relative", false);
    expect(figure?.x).toEqual([100, 110]);
    expect(figureOf([series([1, 2])], "wall", false)?.x).toEqual([1000, 1010]);
  });

  it("is none where nothing can be drawn", () => {
    expect(figureOf([series(["NaN"])], "step", false)).toBeUndefined();
    expect(figureOf([], "step", false)).toBeUndefined();
  });
});
