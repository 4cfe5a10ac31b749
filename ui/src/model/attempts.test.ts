import { describe, expect, it } from "vitest";
import { attemptBars } from "./attempts";

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
