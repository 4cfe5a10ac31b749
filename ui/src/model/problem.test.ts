import { describe, expect, it } from "vitest";
import { around, meant, readMistake, replaced, shifted, unitRange } from "./problem";

describe("mistakes in a query", () => {
  const details = {
    field: "query",
    message: "no field `metrcs`",
    hint: "did you mean `metrics.acc`?",
    position: 4,
    length: 6,
    pointer: "",
  };
  it("are read from the problem, and nothing else is", () => {
    expect(readMistake(details)).toMatchObject({ position: 4, length: 6 });
    expect(readMistake({ ...details, position: "4" })).toBeUndefined();
    expect(readMistake({ allowed: [] })).toBeUndefined();
    expect(readMistake(null)).toBeUndefined();
  });
  it("are counted from where the reader's own text begins", () => {
    const mistake = { field: "query", message: "", position: 30, length: 1 };
    expect(shifted(mistake, 26, "abcdef").position).toBe(4);
    expect(shifted(mistake, 0, "abc").position).toBe(3);
    expect(shifted(mistake, 40, "abc").position).toBe(0);
  });
  it("are mended by what was meant", () => {
    expect(meant(details.hint)).toBe("metrics.acc");
    expect(meant("write `and`")).toBeUndefined();
    expect(replaced("not metrcs.acc > 1", 4, 10, "metrics.acc")).toBe("not metrics.acc > 1");
  });
  it("count characters, where JavaScript counts units", () => {
    expect(unitRange("a😀b", 2, 1)).toEqual([3, 4]);
    expect(replaced("'😀' x", 4, 1, "and")).toBe("'😀' and");
  });
  it("show the text around the place", () => {
    expect(around("a = ! b", 4, 1)).toEqual(["a = ", "!", " b"]);
    expect(around("a =", 3, 1)).toEqual(["a =", " ", ""]);
    const [before, at, after] = around(`${"x".repeat(100)}!${"y".repeat(100)}`, 100, 1);
    expect([before.length, at, after.length]).toEqual([49, "!", 49]);
    expect(before.startsWith("…")).toBe(true);
  });
});
