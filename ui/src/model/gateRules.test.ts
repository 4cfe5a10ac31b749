import { describe, expect, it } from "vitest";
import { readRules, rulesText } from "./gateRules";

const TEXT = `[[threshold]]
metric = "test/accuracy"
min = 0.9

[[no_regression]]
metrics = [ "test/accuracy", "test/log_loss" ]
tolerance = 0.002

[size]
max_bytes = 50_000_000 # all files`;

const RULES = {
  threshold: [{ metric: "test/accuracy", min: 0.9 }],
  no_regression: [{ metrics: ["test/accuracy", "test/log_loss"], tolerance: 0.002 }],
  size: { max_bytes: 50_000_000 },
};

describe("rules of a gate", () => {
  it("are read from TOML", () => {
    expect(readRules(TEXT)).toEqual({ rules: RULES });
    expect(readRules("")).toEqual({ rules: {} });
  });

  it("tell a mistake with its line", () => {
    const read = readRules('[[threshold]]\nmetric = "test/accuracy"\nmin = = 1\n');
    expect(read).toMatchObject({ mistake: { line: 3 } });
    const message = "mistake" in read ? read.mistake.message : "";
    expect(message).not.toBe("");
    expect(message).not.toMatch(/\n|Invalid TOML document/);
  });

  it("refuse values that JSON would lose", () => {
    // As null the bound would be no bound at all.
    expect(readRules("[[threshold]]\nmin = nan")).toEqual({
      mistake: { message: "threshold.0.min is not a finite number" },
    });
    expect(readRules("[size]\nmax_bytes = inf")).toMatchObject({ mistake: {} });
    expect(readRules("[size]\nmax_bytes = 2026-01-01")).toMatchObject({ mistake: {} });
  });

  it("are written without what is absent, and read back the same", () => {
    const stored = {
      ...RULES,
      threshold: [{ bound: "value", metric: "test/accuracy", min: 0.9, max: null }],
      fairness: [],
      leakage: null,
      verified: false,
    };
    const text = rulesText(stored);
    expect(text).not.toMatch(/fairness|leakage|max =/);
    expect(text).toContain("[[threshold]]");
    expect(readRules(text)).toEqual({
      rules: {
        ...RULES,
        threshold: [{ bound: "value", metric: "test/accuracy", min: 0.9 }],
        verified: false,
      },
    });
  });
});
