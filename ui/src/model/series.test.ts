import { describe, expect, it } from "vitest";
import { align, asked, type Column, positiveOnly, type RawSeries, readAxis, smoothed } from "./series";

const a: RawSeries = {
  run: "a",
  steps: [0, 1, 2],
  times_ms: [1000, 2000, 3000],
  values: [1, "NaN", 3],
  origin_ms: 500,
  exact: true,
};
const b: RawSeries = { run: "b", steps: [2, 4], times_ms: [9000, 9500], values: [-5, 7], exact: true };

function values(columns: readonly Column[], series: number, role: Column["role"] = "line") {
  return columns.find((column) => column.series === series && column.role === role)?.values;
}

describe("align", () => {
  it("merges onto the union of steps; missing and not finite stay apart", () => {
    const result = align([a, b], "step", 10);
    expect(result.x).toEqual([0, 1, 2, 4]);
    expect(values(result.columns, 0)).toEqual([1, null, 3, undefined]);
    expect(values(result.columns, 1)).toEqual([undefined, undefined, -5, 7]);
    expect(result.marks).toEqual([{ x: 1, series: 0, what: "nan" }]);
  });
  it("counts from the start of each run, or by the clock", () => {
    expect(align([a], "relative", 10).x).toEqual([500, 1500, 2500]);
    expect(align([b], "relative", 10).x).toEqual([0, 500]);
    expect(align([a, b], "wall", 10).x).toEqual([1000, 2000, 3000, 9000, 9500]);
  });
  it("sorts steps that go backwards; of a repeated step the last value shows", () => {
    const odd: RawSeries = {
      run: "c",
      steps: [5, 1, 5],
      times_ms: [1, 2, 3],
      values: [10, 20, 30],
      exact: true,
    };
    const result = align([odd], "step", 10);
    expect(result.x).toEqual([1, 5]);
    expect(values(result.columns, 0)).toEqual([20, 30]);
  });
  it("tells infinities from NaN", () => {
    const bad: RawSeries = { ...a, values: ["Infinity", "-Infinity", "NaN"] };
    expect(align([bad], "step", 10).marks.map((mark) => mark.what)).toEqual(["inf", "-inf", "nan"]);
  });
  it("draws nothing for nothing", () => {
    expect(align([], "step", 10)).toEqual({ x: [], columns: [], marks: [] });
  });
});

describe("a reduced series", () => {
  const reduced: RawSeries = {
    run: "r",
    steps: [0, 10, 20, 49, 50, 60, 99, 100],
    times_ms: [0, 1, 2, 3, 4, 5, 6, 7],
    values: [1, 9, -4, 2, 3, 3.5, "NaN", 3.25],
    exact: false,
  };
  it("keeps the extremes of each part and runs through its middle", () => {
    const { x, columns } = align([reduced], "step", 2);
    expect(x).toEqual([25, 75]);
    expect(values(columns, 0, "low")).toEqual([-4, 3]);
    expect(values(columns, 0, "high")).toEqual([9, 3.5]);
    expect(values(columns, 0)).toEqual([1.5, 3.25]);
  });
  it("loses no spike, whatever the number of parts", () => {
    for (let parts = 1; parts < 40; parts += 1) {
      const { columns } = align([reduced], "step", parts);
      const numbers = (role: "low" | "high") =>
        values(columns, 0, role)?.filter((v) => typeof v === "number") ?? [];
      expect(Math.max(...numbers("high"))).toBe(9);
      expect(Math.min(...numbers("low"))).toBe(-4);
    }
  });
  it("stands beside a whole one with its edges before its line", () => {
    const { columns } = align([a, reduced], "step", 4);
    expect(columns.map((column) => [column.series, column.role])).toEqual([
      [0, "line"],
      [1, "high"],
      [1, "low"],
      [1, "line"],
    ]);
  });
});

describe("what charts do with it", () => {
  it("smooths each line by itself, keeps gaps, and keeps the line before smoothing", () => {
    const result = smoothed(align([a, b], "step", 10), 0.5);
    expect(result.columns.map((column) => column.role)).toEqual(["faint", "line", "faint", "line"]);
    expect(values(result.columns, 0)?.[1]).toBeNull();
    expect(values(result.columns, 1)?.[0]).toBeUndefined();
    expect(smoothed(align([a], "step", 10), 0).columns).toHaveLength(1);
  });
  it("leaves out what a logarithmic axis cannot show", () => {
    expect(values(positiveOnly(align([b], "step", 10)).columns, 0)).toEqual([null, 7]);
  });
  it("asks for a zoom and a little around it, in whole coordinates", () => {
    expect(asked([0.4, 1.6])).toEqual([0, 2]);
    expect(asked([1000, 2000])).toEqual([980, 2020]);
  });
  it("reads the axis that was chosen", () => {
    expect([readAxis("wall"), readAxis("time"), readAxis("x")]).toEqual(["wall", "relative", "step"]);
  });
});
