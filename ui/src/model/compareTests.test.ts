import { describe, expect, it } from "vitest";
import { against, formatP, improves, readTests, signed, testText } from "./compareTests";

const RAW = {
  metric: "test/accuracy",
  definition: "accuracy@1",
  a: "g1",
  b: "g2",
  n_a: 3,
  n_b: 4,
  difference: 0.02,
  interval: { low: 0.01, high: 0.03 },
  effect: { name: "hedges_g", value: 2.5 },
  p_value: 0.004,
  p_adjusted: 0.012,
  method: "welch_t",
  verdict: "a_better",
  reason: null,
};

describe("tests against the baseline", () => {
  const tests = readTests([RAW, { metric: "half" }, null]);

  it("leaves out what is no test", () => expect(tests).toHaveLength(1));

  it("sees the test from the group", () => {
    const test = against(tests, "test/accuracy", "g1", "g2");
    expect(test).toMatchObject({ verdict: "better", difference: 0.02, n: 3, nBaseline: 4 });
    expect(test && testText(test)).toBe(
      "difference +0.02, 95 % interval +0.01 to +0.03, Hedges' g +2.5, adjusted p 0.012",
    );
  });

  it("turns the test round when the baseline is named first", () => {
    expect(against(tests, "test/accuracy", "g2", "g1")).toMatchObject({
      verdict: "worse",
      difference: -0.02,
      interval: [-0.03, -0.01],
      effect: -2.5,
      n: 4,
      nBaseline: 3,
    });
  });

  it("has none for other metrics and groups", () => {
    expect(against(tests, "test/f1", "g1", "g2")).toBeUndefined();
    expect(against(tests, "test/accuracy", "g1", "g3")).toBeUndefined();
  });

  it("keeps the reason where there is no verdict", () => {
    const none = readTests([
      { ...RAW, verdict: "no_verdict", reason: "one seed each", interval: null, effect: null },
    ]);
    expect(against(none, "test/accuracy", "g1", "g2")).toMatchObject({
      verdict: "no_verdict",
      reason: "one seed each",
      interval: undefined,
      effect: undefined,
    });
  });

  it("prints signs and small probabilities", () => {
    expect(signed(0.5)).toBe("+0.5");
    expect(signed(-0.5)).toBe("\u22120.5");
    expect(formatP(0.00001)).toBe("< 0.001");
    expect(improves(-1, "minimize")).toBe(true);
    expect(improves(1, "none")).toBeUndefined();
  });
});
