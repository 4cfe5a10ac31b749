import { describe, expect, it } from "vitest";
import { CHECKED_MAX, CHECKED_TOGETHER, candidates, checks, joined, present } from "./metricNames";

const fields = [
  { operand: "metrics.loss", kind: "metric" },
  { operand: 'metrics."odd name"', kind: "metric" },
  { operand: "eval.test.accuracy", kind: "metric" },
  { operand: "params.metrics.depth", kind: "param" },
  { operand: "metrics.grad/norm", kind: "metric" },
];
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ operand: `metrics.m${i}`, name: `m${i}` }));

describe("names of metrics over many runs", () => {
  it("are those logged as series", () => {
    expect(candidates(fields)).toEqual([
      { operand: "metrics.loss", name: "loss" },
      { operand: 'metrics."odd name"', name: "odd name" },
      { operand: "metrics.grad/norm", name: "grad/norm" },
    ]);
  });

  it("are checked piece by piece, and each of them once", () => {
    const list = many(CHECKED_TOGETHER * 2 + 1);
    expect(checks(list).map((piece) => piece.length)).toEqual([CHECKED_TOGETHER, CHECKED_TOGETHER, 1]);
    expect(checks(list).flat()).toEqual(list.map((one) => one.operand));
    expect(checks([])).toEqual([]);
  });

  it("are kept where one of the charted runs has a value", () => {
    const logged = present([{ values: { "metrics.m1": null } }, { values: { "metrics.m1": 0 } }, {}]);
    expect(joined([{ name: "loss", label: "Loss" }], many(3), logged)).toEqual([
      { name: "loss", label: "Loss" },
      { name: "m1" },
    ]);
  });

  it("are all taken where they are too many to check", () => {
    const list = many(CHECKED_MAX + 1);
    expect(checks(list)).toEqual([]);
    expect(joined([], list, new Set())).toHaveLength(CHECKED_MAX + 1);
  });
});
