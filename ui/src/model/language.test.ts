import { describe, expect, it } from "vitest";
import {
  evaluatedOperand,
  metricOperand,
  narrowed,
  paramOperand,
  quoted,
  readOperand,
  splitList,
  tagOperand,
} from "./language";

describe("names as the language spells them", () => {
  it("stand bare where they can and in quotes where they must", () => {
    expect(metricOperand("train/loss")).toBe("metrics.train/loss");
    expect(metricOperand("val loss")).toBe('metrics."val loss"');
    expect(paramOperand("model.layers")).toBe("params.model.layers");
    expect(paramOperand('a"b\\c')).toBe('params."a\\"b\\\\c"');
    expect(tagOperand("größe")).toBe("tags.größe");
    expect(evaluatedOperand("test/accuracy")).toBe("eval.test.accuracy");
    expect(evaluatedOperand("hold out/f1 macro")).toBe('eval."hold out"."f1 macro"');
    expect(quoted("it's")).toBe("'it\\'s'");
  });
  it("are read back", () => {
    for (const name of ["loss", "val loss", "a.b", 'quo"te', "back\\slash", "a,b"]) {
      expect(readOperand(metricOperand(name))).toEqual({ kind: "metric", name, of: "last" });
      expect(readOperand(paramOperand(name))).toEqual({ kind: "param", name });
    }
    expect(readOperand("eval.test.accuracy")).toEqual({ kind: "evaluated", split: "test", name: "accuracy" });
    expect(readOperand("max(metrics.acc)")).toEqual({ kind: "metric", name: "acc", of: "max" });
    expect(readOperand("params.`a:b`.c")).toEqual({ kind: "param", name: "a:b.c" });
    expect(readOperand("state")).toEqual({ kind: "field", name: "state" });
  });
  it("are none where something is missing", () => {
    for (const text of [
      "",
      "metrics.",
      "metrics",
      'metrics."open',
      "eval.test",
      "nope.x",
      "max(params.lr)",
    ]) {
      const found = readOperand(text);
      expect(found === undefined || found.kind === "field", text).toBe(true);
    }
  });
});

describe("lists", () => {
  it("split at commas outside of quotes and parentheses", () => {
    expect(splitList('metrics."a,b" desc, max(metrics.x),,params.lr ')).toEqual([
      'metrics."a,b" desc',
      "max(metrics.x)",
      "params.lr",
    ]);
    expect(splitList("")).toEqual([]);
  });
});

describe("narrowing a query", () => {
  it("puts the condition first and knows where the reader's own text begins", () => {
    const { query, shift } = narrowed("deleted is not null", "a = 1 or b = 2");
    expect(query).toBe("deleted is not null and (a = 1 or b = 2)");
    expect(query.slice(shift)).toBe("a = 1 or b = 2)");
    expect(narrowed("deleted is not null", " ")).toEqual({ query: "deleted is not null", shift: 0 });
  });
  it("leaves what does not close as it is, so that nobody's parentheses reach out of it", () => {
    for (const query of ["a) or (b", "(a", "name = 'x", "a = 1)"]) {
      expect(narrowed("deleted is not null", query)).toEqual({ query, shift: 0 });
    }
    expect(narrowed("x", "name = ')('").shift).toBeGreaterThan(0);
  });
});
