import { describe, expect, it } from "vitest";
import {
  clippedRange,
  countOutside,
  fullRange,
  hiddenByLog,
  logTicks,
  lowerBound,
  nearestIndex,
  panned,
  seen,
  wholeRange,
  zoomed,
} from "./drawing";
import type { Curve } from "./series";

function curve(x: number[], y: number[]): Curve {
  return { x: Float64Array.from(x), y: Float64Array.from(y), marks: [], exact: true };
}

const x = Float64Array.from([0, 10, 20, 30]);

describe("places", () => {
  it("finds the first at or after, and the nearest", () => {
    expect([-1, 0, 5, 30, 31].map((value) => lowerBound(x, value))).toEqual([0, 0, 1, 3, 4]);
    expect([-9, 4, 5, 6, 99].map((value) => nearestIndex(x, value))).toEqual([0, 0, 0, 1, 3]);
    expect(nearestIndex(new Float64Array(), 1)).toBeUndefined();
  });
  it("sees one point beyond each edge, so that lines run on", () => {
    expect(seen(x, [12, 18])).toEqual([1, 2]);
    expect(seen(x, [-5, 99])).toEqual([0, 3]);
  });
});

describe("ranges", () => {
  const spiky = curve(
    Array.from({ length: 1000 }, (_, i) => i),
    Array.from({ length: 1000 }, (_, i) => (i === 500 ? 1e6 : Math.sin(i))),
  );
  it("show every spike unless told to clip, and then say how many points are outside", () => {
    expect(fullRange([spiky], [0, 999], false)[1]).toBeGreaterThan(1e6);
    const clipped = clippedRange([spiky], [0, 999], false);
    expect(clipped[1]).toBeLessThan(2);
    expect(countOutside([spiky], [0, 999], clipped)).toBe(1);
    expect(countOutside([spiky], [0, 400], clipped)).toBe(0);
  });
  it("follow what is seen", () => {
    const rising = curve([0, 1, 2], [0, 10, 1000]);
    expect(fullRange([rising], [0, 1], false)[1]).toBeCloseTo(10.8);
    expect(fullRange([], [0, 1], false)).toEqual([0, 1]);
    expect(fullRange([curve([0], [0])], [0, 1], false)).toEqual([-1, 1]);
  });
  it("leave out what logarithmic axes cannot show, and count it", () => {
    const low = curve([0, 1, 10], [-1, 0, 100]);
    const [from] = fullRange([low], [0, 10], true);
    expect(from).toBeGreaterThan(0);
    expect(hiddenByLog([low], false, true)).toBe(2);
    expect(hiddenByLog([low], true, false)).toBe(1);
    expect(hiddenByLog([low], false, false)).toBe(0);
    expect(wholeRange([low], true)).toEqual([1, 10]);
    expect(wholeRange([low], false)).toEqual([0, 10]);
  });
  it("never have no width", () => {
    expect(wholeRange([curve([3], [1])], false)).toEqual([2.5, 3.5]);
    expect(wholeRange([], false)).toEqual([0, 1]);
    // Rounding is no width: an axis over it has no ticks that end.
    const [low, high] = fullRange([curve([0, 1], [2, 2 + 4e-16])], [0, 1], false);
    expect(high - low).toBeGreaterThan(0.1);
  });
  it("move and stretch, in decades on a logarithmic axis", () => {
    expect(panned([0, 10], 0.5, false)).toEqual([5, 15]);
    expect(panned([1, 100], 0.5, true)).toEqual([10, 1000]);
    expect(zoomed([0, 10], 0.5, 0, false)).toEqual([0, 5]);
    expect(zoomed([0, 10], 2, 0.5, false)).toEqual([-5, 15]);
    const [from, to] = zoomed([1, 100], 0.5, 1, true);
    expect(from).toBeCloseTo(10);
    expect(to).toBeCloseTo(100);
  });
});

describe("logTicks", () => {
  it.each([
    [0.0996, 2.377, [0.1, 0.2, 0.5, 1, 2]],
    [0.4728, 1.042, [0.5, 0.6, 0.7, 0.8, 0.9, 1]],
    [1, 1e6, [1, 10, 100, 1000, 1e4, 1e5, 1e6]],
    [2, 2.05, [2, 2.01, 2.02, 2.03, 2.04, 2.05]],
  ])("are round between %d and %d", (low, high, ticks) => {
    const found = logTicks(low, high);
    expect(found.length).toBe(ticks.length);
    for (const [i, tick] of ticks.entries()) expect(found[i]).toBeCloseTo(tick, 12);
  });

  it("are few over any range, and none where there is no range", () => {
    expect(logTicks(1e-300, 1e300).length).toBeLessThanOrEqual(9);
    expect(logTicks(0, 1)).toEqual([]);
    expect(logTicks(1, Number.POSITIVE_INFINITY)).toEqual([]);
    expect(logTicks(1, 1)).toEqual([]);
  });
});
