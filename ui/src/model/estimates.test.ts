import { describe, expect, it } from "vitest";
import type { AnalysisRow } from "./analysis";
import { barDomain, buildBars, sharedName } from "./bars";
import {
  bandEnds,
  bandOf,
  bandText,
  calibrationBand,
  intervalAt,
  nearestPoint,
  precisionBand,
  rocBand,
} from "./curveBands";
import type { Curve } from "./curves";
import { leastSquares, meanEstimate, studentT975, wilson } from "./estimates";
import { paretoFront } from "./pareto";
import { RAMP_LEVELS, rampColors, rampLevel } from "./ramp";
import { buildScatter, nearestDot } from "./scatter";

describe("estimates", () => {
  it("knows Student's t at 97.5 %, as tables print it", () => {
    const printed = { 1: 12.7062, 5: 2.5706, 11: 2.201, 20: 2.086, 30: 2.0423, 120: 1.9799 };
    for (const [degrees, value] of Object.entries(printed)) {
      expect(studentT975(Number(degrees))).toBeCloseTo(value, 3);
    }
  });

  it("gives a mean its interval, and none to a single value", () => {
    // 1, 2, 3: mean 2, std 1, half width 4.3027 / sqrt(3).
    const found = meanEstimate([1, 2, 3]);
    expect(found).toMatchObject({ value: 2, n: 3, std: 1 });
    expect(found?.low).toBeCloseTo(2 - 2.48413, 4);
    expect(meanEstimate([5])).toEqual({ value: 5, n: 1, low: undefined, high: undefined, std: undefined });
    expect(meanEstimate([])).toBeUndefined();
  });

  it("computes Wilson's interval: 8 of 10 is 0.490 to 0.943", () => {
    const [low, high] = wilson(8, 10) ?? [0, 0];
    expect(low).toBeCloseTo(0.4901625, 6);
    expect(high).toBeCloseTo(0.9433178, 6);
    expect(wilson(0, 10)?.[0]).toBe(0);
    expect(wilson(3, 2)).toBeUndefined();
    expect(wilson(0, 0)).toBeUndefined();
  });

  it("fits a line and says what it explains", () => {
    const line = leastSquares([0, 1, 2].map((x) => ({ x, y: 1 + 2 * x })));
    expect(line).toMatchObject({ slope: 2, intercept: 1, n: 3 });
    expect(line?.r2).toBeCloseTo(1, 12);
    expect(leastSquares([0, 0, 0].map((x, y) => ({ x, y })))).toBeUndefined();
    expect(leastSquares([{ x: 0, y: 1 }])).toBeUndefined();
  });
});

describe("bands", () => {
  const curve: Curve = {
    label: "a",
    score: 0.9,
    x: [0, 0.5, 1],
    y: [1, 0.8, 0.5],
    thresholds: [],
    whole: undefined,
    noWhole: undefined,
  };
  const whole = {
    x: [0.1, 0.4, 1],
    low: [0.2, 0.4, 0.6],
    high: [0.9, 0.9, 1],
    confidence: 0.95,
    samples: 1000,
  };
  const banded = { ...curve, whole };

  it("takes the true positive rate as a share of the positives", () => {
    expect(rocBand(curve, 10)?.[1]).toEqual(wilson(8, 10));
    expect(rocBand(curve, undefined)).toBeUndefined();
  });

  it("takes precision as a share of what was predicted, none at recall 0", () => {
    expect(precisionBand(curve, 8)).toEqual([undefined, wilson(4, 5), wilson(8, 16)]);
  });

  it("takes the band of the whole curve before Wilson's, and reads it between its places", () => {
    expect(bandOf(curve, 10, rocBand)).toEqual({ whole: undefined, band: rocBand(curve, 10) });
    const bands = bandOf(banded, 10, rocBand);
    expect(bands).toEqual({ whole, band: undefined });
    expect(bandEnds(banded, bands)[1]).toEqual({ x: 0.4, low: 0.4, high: 0.9 });
    expect(bandEnds(curve, bandOf(curve, 10, precisionBand)).map((end) => end.x)).toEqual([0.5, 1]);
    expect(intervalAt(banded, 0, bands)).toBeUndefined();
    const [low, high] = intervalAt(banded, 1, bands) ?? [0, 0];
    expect(low).toBeCloseTo(0.4 + 0.2 / 6, 12);
    expect(high).toBeCloseTo(0.9 + 0.1 / 6, 12);
    expect(intervalAt(banded, 2, bands)).toEqual([0.6, 1]);
    expect(intervalAt(curve, 1, bandOf(curve, 10, rocBand))).toEqual(wilson(8, 10));
  });

  it("says how bands were made, and why a bootstrap band is missing", () => {
    const line = (one: Curve, positives?: number) => ({ curve: one, ...bandOf(one, positives, rocBand) });
    expect(bandText([line(curve)], "Wilson.")).toBeUndefined();
    expect(bandText([line(curve, 10)], "Wilson.")).toBe("Wilson.");
    expect(bandText([line({ ...curve, noWhole: "too few rows" }, 10)], "Wilson.")).toBe(
      "Wilson. No bootstrap band: too few rows.",
    );
    expect(bandText([line(banded)], "Wilson.")).toBe(
      "Band: 95 % bootstrap band, 1000 resamples, at each place of the horizontal axis.",
    );
    expect(bandText([line(banded), line(curve, 10)], "Wilson.")).toContain("Where an evaluation has none");
  });

  it("gives weighted bins no interval", () => {
    const bin = { low: 0, high: 0.1, count: 10, weight: 10, predicted: 0.05, observed: 0.2 };
    expect(calibrationBand(bin)).toEqual(wilson(2, 10));
    expect(calibrationBand({ ...bin, weight: 7.5 })).toBeUndefined();
  });

  it("finds the point nearest to a place", () => {
    expect(nearestPoint(curve, { x: 0.45, y: 0.8 })?.index).toBe(1);
  });
});

describe("pareto front", () => {
  const points = [
    { id: "cheap", x: 1, y: 1 },
    { id: "best", x: 3, y: 9 },
    { id: "beaten", x: 4, y: 8 },
    { id: "twin", x: 3, y: 9 },
    { id: "middle", x: 2, y: 5 },
    { id: "same cost", x: 2, y: 4 },
  ];
  const ids = (front: { id: string }[]) => front.map((point) => point.id);

  it("keeps what nothing beats, equal points together", () => {
    expect(ids(paretoFront(points, "minimize", "maximize"))).toEqual(["cheap", "middle", "best", "twin"]);
    expect(ids(paretoFront(points, "maximize", "maximize"))).toEqual(["beaten", "best", "twin"]);
    expect(ids(paretoFront(points, "minimize", "minimize"))).toEqual(["cheap"]);
    expect(paretoFront([], "minimize", "minimize")).toEqual([]);
  });

  it("agrees with comparing every pair", () => {
    const cloud = Array.from({ length: 60 }, (_, i) => ({ id: `${i}`, x: (i * 37) % 11, y: (i * 53) % 13 }));
    const beaten = (a: (typeof cloud)[0]) =>
      cloud.some((b) => b.x <= a.x && b.y >= a.y && (b.x < a.x || b.y > a.y));
    const expected = cloud.filter((one) => !beaten(one)).map((one) => one.id);
    expect(ids(paretoFront(cloud, "minimize", "maximize")).sort()).toEqual(expected.sort());
  });
});

const rows: AnalysisRow[] = [
  { id: "1", name: "mlp-s1", color: 1, group: "g", values: { acc: 0.8, lr: 0 } },
  { id: "2", name: "mlp-s2", color: 2, group: "g", values: { acc: 0.9, lr: 1 } },
  {
    id: "3",
    name: "tree",
    color: 3,
    values: { acc: 0.7, lr: 10 },
    intervals: { acc: { low: 0.6, high: 0.8 } },
  },
  { id: "4", name: "lost", color: 4, values: { acc: "NaN", lr: 2 } },
];
const ACC = { id: "acc", label: "acc", numeric: true };
const LR = { id: "lr", label: "lr", numeric: true };

describe("bars", () => {
  it("averages seed groups and keeps each run's value; what has none is counted", () => {
    const { bars, left, method } = buildBars(ACC, rows, { by: "groups", order: "descending" });
    expect(bars.map(({ name, n, values }) => [name, n, values])).toEqual([
      ["mlp", 2, [0.8, 0.9]],
      ["tree", 1, []],
    ]);
    expect(left).toBe(1);
    expect(method).toContain("Student");
  });

  it("gives runs the hub's intervals", () => {
    const { bars } = buildBars(ACC, rows, { by: "runs", order: "ascending" });
    expect(bars[0]).toMatchObject({ name: "tree", low: 0.6, high: 0.8, n: 1 });
  });

  it("lets bars start at zero, and only them", () => {
    const { bars } = buildBars(ACC, rows, { by: "runs", order: "given" });
    expect(barDomain(bars, "bars")[0]).toBe(0);
    expect(barDomain(bars, "dots")[0]).toBeGreaterThan(0.5);
  });

  it("finds what names share", () => {
    expect(sharedName(["mlp-s1", "mlp-s12"])).toBe("mlp");
    expect(sharedName(["mlp-64", "mlp-64"])).toBe("mlp-64");
    expect(sharedName(["a-seed1", "a-seed2"])).toBe("a");
    expect(sharedName(["a", "b"])).toBe("a");
  });
});

describe("scatter", () => {
  const state = {
    x: "lr",
    y: "acc",
    color: null,
    size: null,
    logX: true,
    logY: false,
    front: { x: "minimize", y: "maximize" } as const,
    regression: false,
  };

  it("draws what has a place on both axes and says what has none", () => {
    const model = buildScatter([ACC, LR], rows, state);
    expect(model?.dots.map((dot) => dot.row.id)).toEqual(["2", "3"]);
    expect(model?.left).toEqual(["lr: 1 not above zero", "acc: 1 NaN"]);
    expect(model?.front.map((dot) => dot.row.id)).toEqual(["2"]);
    expect(buildScatter([ACC], rows, state)).toBeUndefined();
  });

  it("finds the dot under the pointer", () => {
    const dots = buildScatter([ACC, LR], rows, state)?.dots ?? [];
    const [first] = dots;
    const at = { x: (first?.x ?? 0) * 100 + 3, y: (1 - (first?.y ?? 0)) * 100 };
    expect(nearestDot(dots, at, { width: 100, height: 100 }, 5)?.row.id).toBe("2");
    expect(nearestDot(dots, { x: 50, y: 50 }, { width: 100, height: 100 }, 1)).toBeUndefined();
  });
});

describe("ramp", () => {
  it("goes from the first stop to the last", () => {
    const colors = rampColors(["#000000", "#ff0000", "#ffffff"]);
    expect(colors).toHaveLength(RAMP_LEVELS);
    expect(colors[0]).toBe("rgb(0 0 0)");
    expect(colors[RAMP_LEVELS - 1]).toBe("rgb(255 255 255)");
    expect([rampLevel(-1), rampLevel(1), rampLevel(2)]).toEqual([0, RAMP_LEVELS - 1, RAMP_LEVELS - 1]);
  });
});
