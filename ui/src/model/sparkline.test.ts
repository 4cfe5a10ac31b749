import { describe, expect, it } from "vitest";
import { SPARK_HEIGHT, SPARK_WIDTH, sparkline, sparkText } from "./sparkline";

describe("sparkline", () => {
  it("fills width and height", () => {
    const { path, end } = sparkline([0, 5, 10], [1, 3, 2]);
    expect(path).toBe("M2 16L32 2L62 9");
    expect(end).toEqual({ x: SPARK_WIDTH - 2, y: SPARK_HEIGHT / 2 });
  });

  it("breaks where a value is no number", () => {
    const { path, missing } = sparkline([0, 1, 2, 3], [1, Number.NaN, 2, undefined]);
    expect(path.match(/M/g)).toHaveLength(2);
    expect(missing).toBe(2);
  });

  it("of one point or one value stays in the middle", () => {
    expect(sparkline([7], [3]).end).toEqual({ x: SPARK_WIDTH / 2, y: SPARK_HEIGHT / 2 });
    expect(sparkline([1, 2], [3, 3]).path).toBe("M2 9L62 9");
    expect(sparkline([], [])).toEqual({ path: "", end: undefined, missing: 0 });
  });

  it("is told in words", () => {
    expect(sparkText([1, Number.NaN, 5, 2], String)).toBe("from 1 to 2, between 1 and 5");
    expect(sparkText([Number.NaN], String)).toBe("no finite values");
  });
});
