import { describe, expect, it } from "vitest";
import type { AnalysisColumn, AnalysisRow } from "./analysis";
import { atX, atY, barsFigure, parallelFigure, scatterFigure } from "./analysisFigure";
import { readAnalysisState } from "./analysisState";
import { rampCss } from "./ramp";

const columns: AnalysisColumn[] = [
  { id: "params.lr", label: "lr", numeric: true },
  { id: "metrics.acc", label: "acc", numeric: true },
];
const row = (id: string, lr: number | null, acc: number, color: number): AnalysisRow => ({
  id,
  name: `run ${id}`,
  color,
  values: { "params.lr": lr, "metrics.acc": acc },
});
const rows = [row("a", 0, 0, 1), row("b", 10, 1, 2), row("c", null, 0.5, 3)];
const state = readAnalysisState(
  {
    version: 1,
    parallel: { axes: ["params.lr", "metrics.acc"], log: [], color: null, brushes: {} },
    scatter: { x: "params.lr", y: "metrics.acc", front: { x: "minimize", y: "maximize" } },
    bars: { value: "metrics.acc", by: "runs", mark: "bars", order: "ascending" },
  },
  columns,
  rows,
);

describe("drawings of an analysis", () => {
  it("lead each run through its values; without one it runs along the foot", () => {
    const figure = parallelFigure(columns, rows, state.parallel);
    const [from, to] = [atX(0).toFixed(1), atX(1).toFixed(1)];
    const [low, high] = [atY(0).toFixed(1), atY(1).toFixed(1)];
    expect(figure?.lines.map((line) => line.path).slice(0, 2)).toEqual([
      `M${from} ${low}L${to} ${low}`,
      `M${from} ${high}L${to} ${high}`,
    ]);
    expect(Number(figure?.lines[2]?.path.split(/[ L]/)[1])).toBeGreaterThan(atY(0));
    expect(figure?.lines[0]?.color).toBe("var(--series-1)");
    expect(figure?.notes).toEqual(["3 runs", "runs without a value run along the foot"]);
  });

  it("draw runs outside of a brush below the others, and count those inside", () => {
    const brushes = { "metrics.acc": { from: 0.4, to: 1 } };
    const figure = parallelFigure(columns, rows, { ...state.parallel, brushes });
    expect(figure?.lines.map((line) => [line.id, line.out])).toEqual([
      ["a", true],
      ["b", false],
      ["c", false],
    ]);
    expect(figure?.notes[0]).toBe("2 of 3 runs inside the brushes");
    expect(figure?.axes[1]?.brush).toEqual([0.4, 1]);
  });

  it("place the dots of a scatter and say what is left out", () => {
    const figure = scatterFigure(columns, rows, state.scatter);
    expect(figure?.dots.map((dot) => dot.id)).toEqual(["a", "b"]);
    expect(figure?.dots[1]?.x).toBeGreaterThan(figure?.dots[0]?.x ?? 0);
    expect(figure?.dots[1]?.y).toBeLessThan(figure?.dots[0]?.y ?? 0);
    expect(figure?.notes).toContain("not drawn: lr: 1 no value");
    expect(figure?.front.startsWith("M")).toBe(true);
  });

  it("start bars at zero, in the order chosen", () => {
    const figure = barsFigure(columns, rows, state.bars);
    expect(figure?.bars.map((bar) => bar.key)).toEqual(["a", "c", "b"]);
    expect(figure?.domain[0]).toBe(0);
    expect(barsFigure(columns, rows, { ...state.bars, value: "metrics.none" })).toBeUndefined();
  });

  it("take colours of a sequence from the tokens", () => {
    expect(rampCss(0)).toBe("color-mix(in srgb, var(--ramp-1) 0%, var(--ramp-0))");
    expect(rampCss(1)).toBe("color-mix(in srgb, var(--ramp-4) 100%, var(--ramp-3))");
    expect(rampCss(0.625)).toBe("color-mix(in srgb, var(--ramp-3) 50%, var(--ramp-2))");
  });
});
