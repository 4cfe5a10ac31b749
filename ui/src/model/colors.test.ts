import { describe, expect, it } from "vitest";
import {
  assignColors,
  colorIndex,
  DASHES,
  distinctColors,
  groupColor,
  hashText,
  LOOKS,
  PALETTE_SIZE,
  seriesColor,
  seriesDash,
} from "./colors";

describe("the look of a run", () => {
  it("is the same for the same run on any machine", () => {
    expect(hashText("a")).toBe(0xe40c292c);
    expect(colorIndex("run-1")).toBe(hashText("run-1") % LOOKS);
  });
  it("does not depend on which other runs are shown", () => {
    const many = assignColors(Array.from({ length: 200 }, (_, i) => `run-${i}`));
    expect(assignColors(["run-7"]).get("run-7")).toBe(many.get("run-7"));
    expect(assignColors(["run-8", "run-7"]).get("run-7")).toBe(many.get("run-7"));
  });
  it("is spread over all colours and patterns", () => {
    const counts = new Array<number>(LOOKS).fill(0);
    for (let i = 0; i < 4_000; i += 1)
      counts[colorIndex(`run-${i}`)] = (counts[colorIndex(`run-${i}`)] ?? 0) + 1;
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts)).toBeLessThan(170);
  });
  it("tells a colour and a pattern apart for every look", () => {
    const looks = Array.from({ length: LOOKS }, (_, i) => `${seriesColor(i)} ${seriesDash(i).join(",")}`);
    expect(new Set(looks).size).toBe(LOOKS);
    expect(seriesDash(PALETTE_SIZE - 1)).toEqual(DASHES[0]);
    expect(seriesDash(PALETTE_SIZE)).toEqual(DASHES[1]);
  });
});

describe("colours of groups", () => {
  const names = Array.from({ length: 25 }, (_, i) => `seed = ${i}`);

  it("differ, and do not depend on the order of the groups", () => {
    const colors = distinctColors(names);
    expect(new Set(colors.values()).size).toBe(names.length);
    expect(distinctColors([...names].reverse())).toEqual(colors);
    const few = distinctColors(names.slice(0, PALETTE_SIZE));
    expect(Math.max(...few.values())).toBeLessThan(PALETTE_SIZE);
  });
  it("are the group's own where no other has it", () => {
    expect(distinctColors(["a"]).get("a")).toBe(groupColor("a"));
  });
  it("end with the looks there are", () => {
    const many = Array.from({ length: LOOKS + 5 }, (_, i) => `g${i}`);
    expect(distinctColors(many).size).toBe(LOOKS);
  });
});
