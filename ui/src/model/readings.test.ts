import { describe, expect, it } from "vitest";
import { readings, sortedReadings } from "./readings";
import type { Curve } from "./series";

function curve(x: number[], y: number[]): Curve {
  return { x: Float64Array.from(x), y: Float64Array.from(y), marks: [], exact: true };
}

describe("readings", () => {
  it("takes the nearest point of each curve that reaches the place", () => {
    const found = readings([curve([0, 10], [1, 2]), curve([0, 1], [5, 6]), curve([], [])], 8, 10);
    expect(found).toEqual([{ curve: 0, x: 10, value: 2, exact: true }]);
  });
  it("tells the edges, the count and what is between of a group", () => {
    const group: Curve = {
      ...curve([0], [5]),
      low: Float64Array.of(4),
      high: Float64Array.of(6),
      counts: Uint16Array.of(3),
      between: Uint8Array.of(1),
    };
    expect(readings([group], 0, 1)).toEqual([
      { curve: 0, x: 0, value: 5, low: 4, high: 6, count: 3, between: true, exact: true },
    ]);
  });
});

describe("sortedReadings", () => {
  const found = readings(
    Array.from({ length: 100 }, (_, i) => curve([0], [i === 50 ? Number.NaN : i])),
    0,
    1,
  );
  it("puts the largest first and what is not finite last", () => {
    const all = sortedReadings(found, undefined, 100);
    expect([all[0]?.curve, all.at(-1)?.curve]).toEqual([99, 50]);
  });
  it("keeps the one meant among few, with its neighbours", () => {
    const meant = found[10];
    const few = sortedReadings(found, meant, 5);
    expect(few).toContain(meant);
    expect(few.map((one) => one.curve)).toEqual([12, 11, 10, 9, 8]);
  });
});
