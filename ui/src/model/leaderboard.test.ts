import { describe, expect, it } from "vitest";
import {
  boardDomain,
  conflictRows,
  directionsOf,
  entryInterval,
  rankable,
  readConflict,
  readLeaderboardSearch,
  runsToCompare,
  standing,
} from "./leaderboard";

describe("the address of a leaderboard", () => {
  it("keeps metric, project and query, and nothing else", () => {
    const raw = { metric: "test/f1", project: "p", q: 7, other: "x" };
    expect(readLeaderboardSearch(raw)).toEqual({ metric: "test/f1", project: "p", q: "7" });
    expect(readLeaderboardSearch({ metric: "", project: {}, q: null })).toEqual({});
  });
});

describe("metrics to rank by", () => {
  const directions = directionsOf([
    { definition: { name: "accuracy", direction: "maximize" } },
    { definition: { name: "support", direction: "none" } },
    { definition: null },
  ]);
  const fields = (...operands: string[]) => operands.map((operand) => ({ operand }));

  it("are evaluated ones with a direction, test/accuracy before all", () => {
    const found = rankable(
      fields(
        "metrics.loss",
        "eval.test.zeal",
        "eval.a.accuracy",
        'eval."hold out".rmse',
        "eval.test.support",
        "eval.test.accuracy",
      ),
      directions,
    );
    expect(found).toEqual(["test/accuracy", "a/accuracy", "hold out/rmse", "test/zeal"]);
  });

  it("are none where nothing was evaluated", () => {
    expect(rankable(fields("params.lr"), directions)).toEqual([]);
  });
});

describe("an entry", () => {
  const statistics = { mean: 0.9, interval: { low: 0.8, high: 1 } };

  it("has its interval over seeds, else over the rows of its run, else none", () => {
    expect(entryInterval({ statistics })).toEqual({ low: 0.8, high: 1, over: "seeds" });
    const single = { statistics: { mean: 0.9, interval: null }, run_interval: { low: 0.85, high: 0.95 } };
    expect(entryInterval(single)).toEqual({ low: 0.85, high: 0.95, over: "rows" });
    const broken = { statistics: { mean: 0.9 }, run_interval: { low: "NaN", high: 1 } } as const;
    expect(entryInterval(broken)).toBeUndefined();
  });

  it("shares an axis with the others of its board", () => {
    const [low, high] = boardDomain([{ statistics }, { statistics: { mean: 0.5 } }]);
    expect(low).toBeLessThan(0.5);
    expect(high).toBeGreaterThan(1);
    const [none, some] = boardDomain([]);
    expect(none).toBeLessThan(some);
  });

  it("stands to the first by a test, or says why there is none", () => {
    expect(standing({ against_first: null })).toBeUndefined();
    expect(standing({ against_first: "behind", p_adjusted: 0.0004 })?.text).toBe("behind, p < 0.001");
    expect(standing({ against_first: "no_difference", p_adjusted: 0.0824 })).toMatchObject({
      text: "no difference shown, p 0.082",
      tone: "",
    });
    expect(standing({ against_first: "no_verdict", reason: "one seed" })).toEqual({
      text: "no verdict",
      tone: "outline",
      title: "one seed",
    });
  });

  it("is compared with all its runs, or as many as there is room for", () => {
    const entries = [
      { runs: [{ id: "a1" }, { id: "a2" }, { id: "a3" }] },
      { runs: [{ id: "b1" }] },
      { runs: [{ id: "c1" }, { id: "c2" }] },
    ];
    expect(runsToCompare(entries, 100)).toEqual(["a1", "a2", "a3", "b1", "c1", "c2"]);
    expect(runsToCompare(entries, 4)).toEqual(["a1", "a2", "b1", "c1"]);
    expect(runsToCompare([], 4)).toEqual([]);
  });
});

describe("two versions of one metric", () => {
  it("are read from the problem, and what differs is told", () => {
    const details = {
      definitions: [
        { name: "ece", version: 1, unit: null, params: { bins: 10 } },
        { name: "ece", version: 2, unit: null, params: { bins: 15 }, more: true },
      ],
    };
    const found = readConflict(details);
    expect(found).toBeDefined();
    const rows = found ? conflictRows(...found) : [];
    expect(rows.map(({ key, differs }) => [key, differs])).toEqual([
      ["name", false],
      ["version", true],
      ["params", true],
      ["more", true],
    ]);
  });

  it("are named where the hub does not know them", () => {
    expect(readConflict({ definitions: ["f1@1", "f1@2"] })).toEqual([{ name: "f1@1" }, { name: "f1@2" }]);
    expect(readConflict({ field: "query" })).toBeUndefined();
    expect(readConflict(undefined)).toBeUndefined();
  });
});
