import { describe, expect, it } from "vitest";
import { evaluate, operand, parse, value } from "./expression";
import type { RawSeries } from "./series";

function compute(text: string, metrics: Record<string, number> = {}): number {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(parsed.mistake.message);
  return value(parsed.expression, (name) => metrics[name] ?? Number.NaN);
}

function mistake(text: string) {
  const parsed = parse(text);
  if (parsed.ok) throw new Error(`${text} was read`);
  return parsed.mistake;
}

describe("parse", () => {
  it("reads names with slashes, quoted names, numbers and functions", () => {
    expect(compute("train/loss - val/loss", { "train/loss": 3, "val/loss": 1 })).toBe(2);
    expect(compute('"my loss" * 2', { "my loss": 4 })).toBe(8);
    expect(compute('"a \\"b\\"" + 0', { 'a "b"': 1.5 })).toBe(1.5);
    expect(compute("log10(x) + 1e-1", { x: 100 })).toBeCloseTo(2.1);
    expect(compute("max(a, b)", { a: 1, b: 5 })).toBe(5);
  });
  it("binds as arithmetic does", () => {
    expect(compute("a + b * 2", { a: 1, b: 2 })).toBe(5);
    expect(compute("(a + b) * 2", { a: 1, b: 2 })).toBe(6);
    expect(compute("a - b - 1", { a: 5, b: 2 })).toBe(2);
    expect(compute("-a ^ 2", { a: 3 })).toBe(-9);
    expect(compute("a ^ 2 ^ 3", { a: 2 })).toBe(256);
    expect(compute("a ^ -1", { a: 4 })).toBe(0.25);
    expect(compute("a / b", { a: 1, b: 4 })).toBe(0.25);
    expect(compute("a --b", { a: 1, b: 4 })).toBe(5);
  });
  it("names each metric once, in order", () => {
    const parsed = parse("b + a + b");
    expect(parsed.ok && parsed.metrics).toEqual(["b", "a"]);
  });
  it("points at mistakes", () => {
    expect(mistake("")).toMatchObject({ at: 0, message: "Something is missing at the end" });
    expect(mistake("a +")).toMatchObject({ at: 3, message: "Something is missing at the end" });
    expect(mistake("a b")).toMatchObject({ at: 2, length: 1, message: "An operator is missing before this" });
    expect(mistake("(a + b")).toMatchObject({ at: 6, message: "A closing bracket is missing" });
    expect(mistake("a)")).toMatchObject({ at: 1, message: "This bracket was never opened" });
    expect(mistake("a + $")).toMatchObject({ at: 4, message: "`$` means nothing here" });
    expect(mistake('a + "b')).toMatchObject({ at: 4, length: 2, message: "This quote is never closed" });
    expect(mistake("logg(a)")).toMatchObject({ at: 0, length: 4 });
    expect(mistake("max(a)").message).toBe("`max` takes two values, not 1");
    expect(mistake("1 + 2").message).toBe("It names no metric");
    expect(mistake("a*b*c*d*e*f*g*h*i")).toMatchObject({ at: 16, length: 1 });
    expect(mistake(`${"(".repeat(100)}a`).message).toMatch(/deep/);
    expect(mistake("a".repeat(501)).message).toMatch(/500/);
  });
  it("writes names so that they are read again", () => {
    for (const name of ["loss", "train/loss", "my loss", 'a "b" \\c', "1st", "lr-x", "x/", "größe"]) {
      const parsed = parse(`${operand(name)} + 0`);
      expect(parsed.ok && parsed.metrics).toEqual([name]);
    }
  });
});

describe("evaluate", () => {
  const series = (metric: string, steps: number[], values: number[]): RawSeries => ({
    run: "r",
    metric,
    steps: Float64Array.from(steps),
    times_ms: Float64Array.from(steps, (step) => step * 10),
    values: Float64Array.from(values),
    origin_ms: 0,
    exact: true,
    total: steps.length,
  });
  const parsed = parse("a - b");
  if (!parsed.ok) throw new Error("not read");

  it("takes the steps both have; what is not finite stays so", () => {
    const a = series("a", [0, 1, 2, 4], [5, 6, Number.NaN, 8]);
    const b = series("b", [1, 2, 3, 4], [1, 2, 3, Number.POSITIVE_INFINITY]);
    expect(evaluate(parsed, "a - b", [a, b])).toMatchObject({
      steps: Float64Array.of(1, 2, 4),
      times_ms: Float64Array.of(10, 20, 40),
      values: Float64Array.of(5, Number.NaN, Number.NEGATIVE_INFINITY),
      exact: true,
      total: 3,
      non_finite: 2,
    });
  });
  it("has nothing where a metric is missing", () => {
    expect(evaluate(parsed, "a - b", [series("a", [0], [1])])).toBeUndefined();
  });
  it("is not exact where a metric was reduced", () => {
    const reduced = { ...series("b", [0], [1]), exact: false };
    expect(evaluate(parsed, "a - b", [series("a", [0], [1]), reduced])?.exact).toBe(false);
  });
});
