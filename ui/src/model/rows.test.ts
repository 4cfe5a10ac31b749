import { describe, expect, it } from "vitest";
import {
  blockOffsets,
  GROUP_HEIGHT,
  lineAt,
  lineCount,
  lineWindow,
  locate,
  type RowSpace,
  RUN_HEIGHTS,
  topOf,
} from "./rows";

const RUN_HEIGHT = RUN_HEIGHTS.compact ?? 0;
const flat: RowSpace = { total: 100_000, height: RUN_HEIGHT, nested: RUN_HEIGHT, unfolded: [] };
const grouped: RowSpace = {
  total: 5,
  height: GROUP_HEIGHT,
  nested: RUN_HEIGHT,
  unfolded: [
    { at: 1, lines: 3 },
    { at: 3, lines: 1 },
  ],
};

/** Every line with its height, written out: what the arithmetic must agree with. */
function written(space: RowSpace): { at: number; member: number; height: number }[] {
  return Array.from({ length: space.total }, (_, at) => at).flatMap((at) => {
    const lines = space.unfolded.find((one) => one.at === at)?.lines ?? 0;
    return [
      { at, member: -1, height: space.height },
      ...Array.from({ length: lines }, (_, member) => ({ at, member, height: RUN_HEIGHT })),
    ];
  });
}

describe("places of lines", () => {
  it("agree with all lines written out", () => {
    const lines = written(grouped);
    expect(lineCount(grouped)).toBe(lines.length);
    let top = 0;
    for (const [line, { at, member, height }] of lines.entries()) {
      expect(locate(grouped, line)).toEqual({ at, member });
      expect(topOf(grouped, line)).toBe(top);
      expect(lineAt(grouped, top)).toBe(line);
      expect(lineAt(grouped, top + height - 1)).toBe(line);
      top += height;
    }
  });

  it("are found anywhere in 100,000 rows", () => {
    expect(lineAt(flat, 73_210 * RUN_HEIGHT + 5)).toBe(73_210);
    expect(topOf(flat, 99_999)).toBe(99_999 * RUN_HEIGHT);
  });
});

describe("windows", () => {
  it("fill exactly the whole height with what is above and below", () => {
    for (const [space, whole] of [
      [flat, 100_000 * RUN_HEIGHT],
      [grouped, 5 * GROUP_HEIGHT + 4 * RUN_HEIGHT],
    ] as const) {
      for (const top of [0, 60, 150, whole - 100, whole]) {
        const at = lineWindow(space, top, 100, 2);
        const drawn = Array.from({ length: at.end - at.first }, (_, i) => at.first + i).reduce(
          (sum, line) => sum + (locate(space, line).member < 0 ? space.height : RUN_HEIGHT),
          0,
        );
        expect(at.before + drawn + at.after).toBe(whole);
      }
    }
  });

  it("of nothing is nothing", () => {
    const none = { ...flat, total: 0 };
    expect(lineWindow(none, 0, 500, 10)).toEqual({ first: 0, end: 0, before: 0, after: 0 });
    expect(blockOffsets(none, { first: 0, end: 0 })).toEqual([0]);
  });

  it("name the blocks they need", () => {
    expect(blockOffsets(flat, { first: 95, end: 140 })).toEqual([0, 100]);
    expect(blockOffsets(flat, { first: 73_200, end: 73_240 })).toEqual([73_200]);
  });
});
