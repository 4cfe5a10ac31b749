import { describe, expect, it } from "vitest";
import type { Comparison, MetricRow } from "~/api/types";
import { deltaOf, groupsTable, metricRows, runsCsv, runsTable, spreadOf } from "./compareMetrics";
import { listed, summarise } from "./compareSummary";
import { readTests } from "./compareTests";

function row(name: string, values: MetricRow["values"], more: Partial<MetricRow> = {}): MetricRow {
  return { name, direction: "maximize", values, intervals: values.map(() => null), ...more };
}

const ACCURACY = row("test/accuracy", [0.9, 0.8], {
  definition: "accuracy@1",
  best: 0,
  intervals: [{ low: 0.85, high: 0.95 }, null],
});
const ROWS = [row("loss", [1, 100], { direction: "minimize" }), ACCURACY, row("alpha", [2, null])];

const COMPARISON = {
  runs: [
    { id: "r1", name: "one" },
    { id: "r2", name: "two" },
  ],
  config: [{ path: "params.lr", values: [0.1, 0.2] }],
  metrics: ROWS,
  groups: [
    {
      group: "g1",
      experiment: "mlp",
      adapter: "sklearn",
      runs: ["r1"],
      metrics: { "test/accuracy": { n: 1, mean: 0.9, std: null, min: 0.9, max: 0.9 } },
    },
    { group: "g2", experiment: "trees", adapter: "sklearn", runs: ["r2"], metrics: {} },
  ],
  warnings: [],
} as unknown as Comparison;

const TEST = {
  metric: "test/accuracy",
  a: "g1",
  b: "g2",
  n_a: 3,
  n_b: 3,
  difference: 0.1,
  interval: { low: 0.05, high: 0.15 },
  effect: { name: "hedges_g", value: 3 },
  p_value: 0.001,
  p_adjusted: 0.002,
  verdict: "a_better",
  reason: null,
};

describe("the metric table", () => {
  const order = (sort: "usual" | "name" | "spread" | "significance", find = "") =>
    metricRows(ROWS, { find, sort, tests: readTests([TEST]) }).map((one) => one.name);

  it("is ordered as chosen", () => {
    expect(order("usual")).toEqual(["test/accuracy", "alpha", "loss"]);
    expect(order("name")).toEqual(["alpha", "loss", "test/accuracy"]);
    expect(order("spread")).toEqual(["loss", "test/accuracy", "alpha"]);
    expect(order("significance")).toEqual(["test/accuracy", "alpha", "loss"]);
    expect(order("name", "ACC")).toEqual(["test/accuracy"]);
  });

  it("measures against the baseline, and not where a value is absent", () => {
    expect(deltaOf(ROWS[0] as MetricRow, 0, 1)).toBe(-99);
    expect(deltaOf(ROWS[2] as MetricRow, 1, 0)).toBeUndefined();
    expect(spreadOf(row("x", ["NaN", 1]))).toBe(-1);
  });

  it("is written with intervals, the best and every digit", () => {
    expect(runsTable(COMPARISON.runs, [ACCURACY]).rows).toEqual([
      ["test/accuracy ↑", "0.9000 [0.8500, 0.9500] ★", "0.8000"],
    ]);
    expect(runsCsv(COMPARISON.runs, [ACCURACY])).toEqual({
      head: ["metric", "definition", "direction", "one", "one low", "one high", "two"],
      rows: [["test/accuracy", "accuracy@1", "maximize", "0.9", "0.85", "0.95", "0.8"]],
    });
  });

  it("is written by seed groups with the tests", () => {
    const table = groupsTable(COMPARISON.groups, [ACCURACY], readTests([TEST]), "g2");
    expect(table.head).toEqual([
      "metric",
      "mlp · sklearn (n = 1)",
      "against the baseline",
      "trees · sklearn (n = 1)",
    ]);
    expect(table.rows[0]).toEqual(["test/accuracy ↑", "0.9000", "+0.1, p 0.002, better", "–"]);
  });
});

describe("the summary", () => {
  const texts = (tests: unknown[]) =>
    summarise(COMPARISON, readTests(tests), "r2").map((one) => `${one.tone}: ${one.text}`);

  it("names what wins by which test, seen from the baseline", () => {
    const found = texts([TEST]);
    expect(found[0]).toContain("2 runs of 2 groups");
    expect(found[1]).toBe("better: mlp · sklearn is better than trees · sklearn on 1 metric: test/accuracy.");
    expect(found.at(-1)).toBe("fact: 1 config value differs: params.lr.");
  });

  it("says why there is no verdict", () => {
    const found = texts([{ ...TEST, verdict: "no_verdict", reason: "one seed each" }]);
    expect(found[1]).toBe("open: No verdict between mlp · sklearn and trees · sklearn: one seed each.");
  });

  it("says of single values that they are no verdict", () => {
    expect(texts([]).join("\n")).toContain("One run may be best by chance.");
  });

  it("cuts lists", () => {
    expect(listed(["a"])).toBe("a");
    expect(listed(["a", "b"])).toBe("a and b");
    expect(listed(["a", "b", "c"], 2)).toBe("a, b and 1 more");
  });
});
