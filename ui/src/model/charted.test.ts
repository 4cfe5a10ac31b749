import { describe, expect, it } from "vitest";
import { CHARTED_MAX, charted, isOpen, onlyThese, readEyes, readTop, TOP_DEFAULT, withEye } from "./charted";

const ids = Array.from({ length: 30 }, (_, i) => `r${i}`);
const self = (id: string) => id;

describe("eyes", () => {
  it("are open for the first rows unless closed, and for others when opened", () => {
    const eyes = readEyes({ top: 3, on: "r20,far", off: "r1" });
    expect(charted(eyes, ids, ["far"], self, 100)).toEqual({ rows: ["r0", "r2", "r20", "far"], left: 0 });
    expect(isOpen(eyes, "r1", 1)).toBe(false);
    expect(isOpen(eyes, "r20", undefined)).toBe(true);
    expect(isOpen(eyes, "r21", undefined)).toBe(false);
  });

  it("say how many are left out", () => {
    expect(charted(readEyes({ top: 20 }), ids, [], self, 5)).toEqual({ rows: ids.slice(0, 5), left: 15 });
  });

  it("switch without leaving words that say nothing", () => {
    const eyes = readEyes({});
    const closed = withEye(eyes, "r2", 2, false);
    expect(closed).toEqual({ on: undefined, off: "r2" });
    expect(withEye(readEyes({ off: "r2" }), "r2", 2, true)).toEqual({ on: undefined, off: undefined });
    expect(withEye(eyes, "r25", 25, true)).toEqual({ on: "r25", off: undefined });
    expect(withEye(readEyes({ on: "r25" }), "r25", 25, false)).toEqual({ on: undefined, off: undefined });
  });

  it("can be open for chosen runs only", () => {
    const many = Array.from({ length: 300 }, (_, i) => `m${i}`);
    expect(onlyThese(many).on?.split(",")).toHaveLength(CHARTED_MAX);
    expect(charted(readEyes(onlyThese(["r7"])), ids, [], self, 10).rows).toEqual(["r7"]);
  });

  it("read a number of rows within bounds", () => {
    expect([
      readTop("20"),
      readTop(0),
      readTop(-1),
      readTop(1000),
      readTop("x"),
      readTop(TOP_DEFAULT),
    ]).toEqual([20, 0, undefined, undefined, undefined, undefined]);
  });
});
