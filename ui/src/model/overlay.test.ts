import { describe, expect, it } from "vitest";
import { readCurves } from "./curves";
import { calibrations, chartsOf, confusions, labelsOf, overlaid, splitsOf, without } from "./overlay";

const roc = (label: string, auroc: number) => ({
  label,
  auroc,
  false_positive_rate: [0, 1],
  true_positive_rate: [0, 1],
  thresholds: [1, 0],
});
const RUNS = [
  { id: "a", name: "one", color: 1, curves: readCurves({ roc: [roc("cat", 0.9), roc("dog", 0.8)] }) },
  {
    id: "b",
    name: "two",
    color: 2,
    curves: readCurves({ roc: [roc("dog", 0.7)], confusion: { labels: ["x"], counts: [[3]] } }),
  },
  { id: "c", name: "three", color: 3, curves: undefined },
];

describe("evaluations on top of each other", () => {
  it("offers splits by how many runs have them", () => {
    const done = (split: string) => ({ split, state: "done" });
    expect(
      splitsOf([[done("val"), done("test")], [done("test")], [{ split: "x", state: "failed" }]]),
    ).toEqual(["test", "val"]);
  });

  it("offers what at least one run has, and names the runs without", () => {
    expect(chartsOf(RUNS)).toEqual(["roc", "confusion"]);
    expect(labelsOf(RUNS, "roc")).toEqual(["cat", "dog"]);
    expect(without(RUNS, "confusion")).toEqual(["one", "three"]);
  });

  it("lays the curves of one class on each other in the colours of the runs", () => {
    expect(overlaid(RUNS, "roc", "dog").map((one) => [one.id, one.color, one.what.score])).toEqual([
      ["a", 1, 0.8],
      ["b", 2, 0.7],
    ]);
    expect(overlaid(RUNS, "precision_recall", "dog")).toEqual([]);
    expect(confusions(RUNS).map((one) => one.what.counts)).toEqual([[[3]]]);
    expect(calibrations(RUNS)).toEqual([]);
  });
});
