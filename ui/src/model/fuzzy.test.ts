import { describe, expect, it } from "vitest";
import { fuzzyFind, fuzzyScore } from "./fuzzy";

const find = (needle: string, items: string[]) => fuzzyFind(needle, items, (item) => item);

describe("fuzzy finding", () => {
  it("finds letters in order and nothing else", () => {
    expect(fuzzyScore("smx", "softmax")).toBeDefined();
    expect(fuzzyScore("xms", "softmax")).toBeUndefined();
    expect(fuzzyScore("softmaxx", "softmax")).toBeUndefined();
  });
  it("puts starts of words and whole pieces first", () => {
    expect(find("ds", ["addresses", "Go to Datasets"])[0]).toBe("Go to Datasets");
    expect(find("data", ["d-a-t-a", "Metadata", "Datasets"])[0]).toBe("Datasets");
    expect(find("run", ["prune", "Runs"])[0]).toBe("Runs");
  });
  it("takes words in any order, all of them", () => {
    expect(find("trees digits", ["digits / boosted-trees", "digits / softmax"])).toEqual([
      "digits / boosted-trees",
    ]);
  });
  it("keeps the order of equals, and of everything when nothing is typed", () => {
    expect(find("a", ["a1", "a2", "a3"])).toEqual(["a1", "a2", "a3"]);
    expect(find("  ", ["b", "a"])).toEqual(["b", "a"]);
  });
  it("prefers a later whole match to an earlier scattered one", () => {
    const whole = fuzzyScore("loss", "lots of things with loss");
    const scattered = fuzzyScore("loss", "lots of things with so long");
    expect(whole).toBeGreaterThan(scattered ?? 0);
  });
});
