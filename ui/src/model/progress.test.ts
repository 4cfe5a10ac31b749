import { describe, expect, it } from "vitest";
import { readProgress } from "./progress";

const told = (attempt: number, time_ms: number, done: number, total?: number) => ({
  attempt,
  time_ms,
  body: { done, ...(total !== undefined && { total }), message: "m" },
});

describe("readProgress", () => {
  it("tells share, rate and time left of the newest attempt", () => {
    const progress = readProgress([told(1, 0, 90, 100), told(2, 10_000, 10, 100), told(2, 20_000, 30, 100)]);
    expect(progress).toMatchObject({
      done: 30,
      total: 100,
      share: 0.3,
      rate: 2,
      remainingMs: 35_000,
      message: "m",
    });
  });
  it("claims no rate from one report, and no end without a total", () => {
    expect(readProgress([told(1, 0, 3, 10)])).toMatchObject({ rate: undefined, remainingMs: undefined });
    expect(readProgress([told(1, 0, 3), told(1, 1000, 4)])).toMatchObject({
      share: undefined,
      rate: 1,
      remainingMs: undefined,
    });
  });
  it("claims no end when nothing goes on, and reads nothing out of nothing", () => {
    expect(readProgress([told(1, 0, 3, 10), told(1, 5000, 3, 10)])?.remainingMs).toBeUndefined();
    expect(readProgress([])).toBeUndefined();
    expect(readProgress([{ attempt: 1, time_ms: 0, body: { done: "x" } }])).toBeUndefined();
  });
});
