import { describe, expect, it } from "vitest";
import { asked, type Curve, curvesOf, extentOfX, type RawSeries, readAxis, smoothed } from "./series";

const a: RawSeries = {
  run: "a",
  metric: "loss",
  steps: Float64Array.of(0, 1, 2),
  times_ms: Float64Array.of(1000, 2000, 3000),
  values: Float64Array.of(1, Number.NaN, 3),
  origin_ms: 500,
  exact: true,
  total: 3,
};
const b: RawSeries = {
  run: "b",
  metric: "loss",
  steps: Float64Array.of(2, 4),
  times_ms: Float64Array.of(9000, 9500),
  values: Float64Array.of(-5, 7),
  exact: true,
  total: 2,
};

function only(series: RawSeries, axis: "step" | "relative" | "wall" = "step", parts = 10): Curve {
  const [curve] = curvesOf([series], axis, parts);
  if (!curve) throw new Error("no curve");
  return curve;
}

describe("a series that came whole", () => {
  it("is a line with gaps and marks where it is not finite", () => {
    const curve = only(a);
    expect([...curve.x]).toEqual([0, 1, 2]);
    expect([...curve.y]).toEqual([1, Number.NaN, 3]);
    expect(curve.marks).toEqual([{ x: 1, what: "nan" }]);
    expect(curve.low).toBeUndefined();
  });
  it("counts from the start of the run, or by the clock", () => {
    expect([...only(a, "relative").x]).toEqual([500, 1500, 2500]);
    expect([...only(b, "relative").x]).toEqual([0, 500]);
    expect([...only(b, "wall").x]).toEqual([9000, 9500]);
  });
  it("sorts steps that go backwards; of a repeated step the last value shows", () => {
    const curve = only({ ...a, steps: Float64Array.of(5, 1, 5), values: Float64Array.of(10, 20, 30) });
    expect([...curve.x]).toEqual([1, 5]);
    expect([...curve.y]).toEqual([20, 30]);
  });
  it("tells infinities from NaN", () => {
    const { marks } = only({
      ...a,
      values: Float64Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN),
    });
    expect(marks.map((mark) => mark.what)).toEqual(["inf", "-inf", "nan"]);
  });
});

describe("a reduced series", () => {
  const reduced: RawSeries = {
    run: "r",
    metric: "loss",
    steps: Float64Array.of(0, 10, 20, 49, 50, 60, 99, 100),
    times_ms: Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7),
    values: Float64Array.of(1, 9, -4, 2, 3, 3.5, Number.NaN, 3.25),
    exact: false,
    total: 100,
  };
  it("keeps the extremes of each part and runs through its middle", () => {
    const curve = only(reduced, "step", 2);
    expect([...curve.x]).toEqual([25, 75]);
    expect([...(curve.low ?? [])]).toEqual([-4, 3]);
    expect([...(curve.high ?? [])]).toEqual([9, 3.5]);
    expect([...curve.y]).toEqual([1.5, 3.25]);
    expect(curve.marks).toEqual([{ x: 99, what: "nan" }]);
  });
  it("loses no spike, whatever the number of parts", () => {
    for (let parts = 1; parts < 40; parts += 1) {
      const curve = only(reduced, "step", parts);
      const finite = (values: Float64Array = new Float64Array()) => [...values].filter(Number.isFinite);
      expect(Math.max(...finite(curve.high))).toBe(9);
      expect(Math.min(...finite(curve.low))).toBe(-4);
    }
  });
});

describe("what charts do with curves", () => {
  it("smooths each line by itself, keeps gaps, and keeps the line before smoothing", () => {
    const [first, second] = smoothed(curvesOf([a, b], "step", 10), 0.5);
    expect(first?.y[1]).toBeNaN();
    expect(first?.y[2]).toBeCloseTo((1 * 0.25 + 3 * 1.5) / 1.75);
    expect([...(first?.raw ?? [])]).toEqual([1, Number.NaN, 3]);
    expect(second?.y[1]).toBeCloseTo((-5 * 0.5 + 7) / 1.5);
    expect(smoothed(curvesOf([a], "step", 10), 0)[0]?.raw).toBeUndefined();
  });
  it("finds where curves begin and end", () => {
    expect(extentOfX(curvesOf([a, b], "step", 10))).toEqual([0, 4]);
    expect(extentOfX([])).toBeUndefined();
  });
  it("asks for a zoom and a little around it, in whole coordinates", () => {
    expect(asked([0.4, 1.6])).toEqual([0, 2]);
    expect(asked([1000, 2000])).toEqual([980, 2020]);
  });
  it("reads the axis that was chosen", () => {
    expect([readAxis("wall"), readAxis("time"), readAxis("x")]).toEqual(["wall", "relative", "step"]);
  });
});
