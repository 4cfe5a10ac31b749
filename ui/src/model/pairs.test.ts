import { describe, expect, it } from "vitest";
import { readCompareSearch } from "./compare";
import {
  chosenPair,
  isSignificant,
  pairable,
  pairVerdict,
  sharedSplits,
  tally,
  unitsText,
  withSide,
  zeroDomain,
} from "./pairs";

const run = (id: string, ...splits: string[]) => ({ id, splits });
const RUNS = [run("a", "test"), run("b"), run("c", "test", "val"), run("d", "other"), run("e", "val")];

describe("runs to test row by row", () => {
  it("are those that share an evaluated split with another", () => {
    expect(pairable(RUNS).map((one) => one.id)).toEqual(["a", "c", "e"]);
    expect(pairable([run("a", "test"), run("b", "val")])).toEqual([]);
    expect(sharedSplits(RUNS[2], RUNS[4])).toEqual(["val"]);
    expect(sharedSplits(RUNS[0], undefined)).toEqual([]);
  });

  it("are the named ones, else the baseline and the next that shares a split", () => {
    const runs = pairable(RUNS);
    const ids = (pair: ReturnType<typeof chosenPair>) => pair?.map((one) => one.id);
    expect(ids(chosenPair(runs, "e,c", undefined))).toEqual(["e", "c"]);
    expect(ids(chosenPair(runs, undefined, undefined))).toEqual(["a", "c"]);
    expect(ids(chosenPair(runs, undefined, "e"))).toEqual(["e", "c"]);
    // A run that is hidden or gone is no choice.
    expect(ids(chosenPair(runs, "a,b", "c"))).toEqual(["c", "e"]);
    expect(chosenPair([], undefined, undefined)).toBeUndefined();
  });

  it("change places where one is chosen on both sides", () => {
    expect(withSide(["a", "b"], 0, "c")).toBe("c,b");
    expect(withSide(["a", "b"], 0, "b")).toBe("b,a");
    expect(withSide(["a", "b"], 1, "a")).toBe("b,a");
  });

  it("stand in the address", () => {
    const raw = { runs: "a,b,c", pair: "c,a" };
    expect(readCompareSearch(raw).pair).toBe("c,a");
    expect(readCompareSearch({ ...raw, pair: "c,z" }).pair).toBeUndefined();
    expect(readCompareSearch({ ...raw, pair: "c,c" }).pair).toBeUndefined();
  });
});

describe("a test of two runs", () => {
  it("has a verdict in words", () => {
    expect(pairVerdict("b_better")).toEqual({ text: "B is better", tone: "good", better: "b" });
    expect(pairVerdict("something new").text).toBe("no verdict");
    expect(isSignificant({ verdict: "a_better" })).toBe(true);
    expect(isSignificant({ verdict: "no_difference" })).toBe(false);
  });

  it("is drawn around zero, also without an interval or a value", () => {
    const [low, high] = zeroDomain({ verdict: "", difference: 0.01, interval: { low: -0.1, high: 0.05 } });
    expect(low).toBeLessThan(-0.1);
    expect(high).toBe(-low);
    expect(zeroDomain({ verdict: "", difference: null })).toEqual([-1, 1]);
    expect(zeroDomain({ verdict: "", difference: "NaN" })).toEqual([-1, 1]);
  });

  it("is counted with the others, and its units are told once", () => {
    const tests = ["a_better", "b_better", "b_better", "no_difference", "no_verdict"].map((verdict) => ({
      verdict,
      split: "test",
      unit: verdict === "no_verdict" ? null : "rows",
      units: verdict === "no_verdict" ? null : 171,
    }));
    expect(tally(tests)).toEqual({ a: 1, b: 2, none: 1, untold: 1 });
    expect(unitsText(tests)).toBe("171 rows of test");
    expect(unitsText([])).toBe("");
  });
});
