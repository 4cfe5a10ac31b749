import { describe, expect, it } from "vitest";
import { attemptBars, branchesOf, branchPart, branchText } from "./attempts";

describe("attemptBars", () => {
  const attempts = [
    { number: 2, created_at: 50, started_at: 60, ended_at: null, resumed_from_step: 300 },
    { number: 1, created_at: 0, started_at: 0, ended_at: 40 },
    { number: 3, created_at: 90, started_at: null, ended_at: null },
  ];
  const bars = attemptBars(attempts, 100);
  it("puts them on one axis, those that run up to now", () => {
    expect(bars.map((bar) => [bar.attempt.number, bar.from, bar.to])).toEqual([
      [1, 0, 0.4],
      [2, 0.6, 1],
      [3, 0.9, 1],
    ]);
  });
  it("tells what took over, and from where", () => {
    expect(bars.map((bar) => bar.superseded)).toEqual([
      { by: 2, afterStep: 300 },
      { by: 3, afterStep: undefined },
      undefined,
    ]);
  });
  it("keeps the shortest visible", () => {
    const [bar] = attemptBars([{ number: 1, created_at: 5, started_at: 5, ended_at: 5 }], 5);
    expect(bar && bar.to > bar.from).toBe(true);
  });
});

describe("branches left behind", () => {
  it("begin where the earliest later attempt went on", () => {
    const attempts = [
      { number: 3, resumed_from_step: 30 },
      { number: 1 },
      { number: 2, resumed_from_step: 50 },
    ];
    expect(branchesOf(attempts)).toEqual([
      { attempt: 1, afterStep: 30 },
      { attempt: 2, afterStep: 30 },
    ]);
    expect(branchesOf([{ number: 1 }])).toEqual([]);
  });

  it("are whole attempts where a later one began anew", () => {
    const [first] = branchesOf([{ number: 1 }, { number: 2, resumed_from_step: null }]);
    expect(first).toEqual({ attempt: 1, afterStep: undefined });
    expect(first && branchText(first)).toBe("attempt 1, superseded");
  });

  it("hold the point they fork off from, and none before it", () => {
    const series = {
      run: "r",
      steps: Float64Array.of(1, 2, 3, 4),
      times_ms: Float64Array.of(10, 20, 30, 40),
      values: Float64Array.of(1, 0.5, 0.4, 9),
    };
    const branch = { attempt: 1, afterStep: 2 };
    expect(branchPart(series, branch)).toEqual({
      run: "r",
      steps: Float64Array.of(2, 3, 4),
      times_ms: Float64Array.of(20, 30, 40),
      values: Float64Array.of(0.5, 0.4, 9),
    });
    expect(branchPart(series, { attempt: 1, afterStep: 4 }).steps).toEqual(Float64Array.of(4));
    expect(branchText(branch)).toBe("attempt 1, superseded after step 2");
  });
});
