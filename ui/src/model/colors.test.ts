import { describe, expect, it } from "vitest";
import { assignColors, colorIndex, hashText, PALETTE_SIZE } from "./colors";

describe("colours", () => {
  it("are the same for the same run on any machine", () => {
    expect(hashText("a")).toBe(0xe40c292c);
    expect(colorIndex("run-1")).toBe(colorIndex("run-1"));
  });
  it("do not depend on the order of the runs", () => {
    const ids = ["x", "y", "z", "w"];
    expect([...assignColors([...ids].reverse())].sort()).toEqual([...assignColors(ids)].sort());
  });
  it("are never shared while there are free ones", () => {
    const ids = Array.from({ length: PALETTE_SIZE }, (_, i) => `run-${i}`);
    expect(new Set(assignColors(ids).values()).size).toBe(PALETTE_SIZE);
  });
  it("are reused evenly beyond the palette", () => {
    const ids = Array.from({ length: PALETTE_SIZE * 2 }, (_, i) => `run-${i}`);
    const counts = new Map<number, number>();
    for (const color of assignColors(ids).values()) counts.set(color, (counts.get(color) ?? 0) + 1);
    expect([...counts.values()]).toEqual(Array(PALETTE_SIZE).fill(2));
  });
});
