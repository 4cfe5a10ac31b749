import { describe, expect, it } from "vitest";
import { added, baselineId, moved, readCompareSearch, removed, shownIds, toggleHidden } from "./compare";

describe("the address of a comparison", () => {
  const search = readCompareSearch({
    runs: "a,b,c,b",
    baseline: "b",
    hidden: "c,zz",
    sort: "spread",
    all: "true",
  });

  it("keeps only what has a meaning", () => {
    expect(search).toEqual({ runs: "a,b,c", baseline: "b", hidden: "c", sort: "spread", all: true });
    expect(readCompareSearch({ runs: 3, baseline: "x", sort: "odd", by: "runs" })).toEqual({});
  });

  it("holds the analysis as it stands, unless it is too long or of another version", () => {
    const analysis = { version: 1, kind: "scatter", scatter: { x: "params.lr", y: "metrics.acc" } };
    expect(readCompareSearch({ runs: "a,b", analysis, media: "image:x", step: 3 })).toEqual({
      runs: "a,b",
      analysis,
      media: "image:x",
      step: 3,
    });
    const long = { version: 1, parallel: { axes: Array.from({ length: 999 }, (_, i) => `params.p${i}`) } };
    for (const odd of [long, { version: 2 }, [1], "x"]) {
      expect(readCompareSearch({ runs: "a", analysis: odd, step: 0.5 })).toEqual({ runs: "a" });
    }
    // Taking out a run leaves it.
    expect(removed({ runs: "a,b", analysis }, ["b"])).toEqual({ runs: "a", analysis });
  });

  it("shows what is not hidden, and measures against the baseline", () => {
    expect(shownIds(search)).toEqual(["a", "b"]);
    expect(baselineId(search)).toBe("b");
    expect(baselineId(toggleHidden(search, "b"))).toBe("a");
    expect(toggleHidden(search, "c").hidden).toBeUndefined();
  });

  it("moves, adds and removes runs", () => {
    expect(moved(search, "c", 0).runs).toBe("c,a,b");
    expect(moved(search, "a", 99).runs).toBe("b,c,a");
    expect(added(search, ["d", "a"]).runs).toBe("a,b,c,d");
    // A baseline that is gone is none.
    expect(removed(search, ["b", "c"])).toEqual({ runs: "a", sort: "spread", all: true });
  });
});
