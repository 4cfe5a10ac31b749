import { describe, expect, it } from "vitest";
import { gather, type Pending, readRunEvent, touchesRow } from "./changes";
import { readCurves, rowNormalised } from "./curves";
import { readColumns, readSchema, readSplitParts } from "./dataset";
import { leaves } from "./json";
import { sections } from "./metrics";
import { toFinite, toFloat } from "./number";
import { linear, ticks } from "./scale";
import { readTheme, resolveTheme } from "./theme";

describe("curves", () => {
  it("reads what the hub computes", () => {
    const curves = readCurves({
      confusion: {
        labels: ["a", "b"],
        counts: [
          [3, 1],
          [0, 4],
        ],
        weights: null,
      },
      roc: [
        {
          label: "b",
          auroc: 0.9,
          false_positive_rate: [0, 1],
          true_positive_rate: [0, 1],
          thresholds: ["Infinity", 0.5],
        },
      ],
      precision_recall: [],
      calibration: {
        label: null,
        bins: [{ low: 0, high: 1, count: 8, weight: 8, mean_predicted: 0.4, fraction_positive: null }],
      },
      predicted_true: { low: 0, high: 1, bins: 2, counts: [1, 0, 0, 1] },
      per_class: [{ label: "b", support: 4, predicted: 5, precision: 0.8, recall: 1, f1: 0.9, auroc: null }],
      residuals: { low: -1, high: 1, counts: [1, 2] },
    });
    expect(curves.perClass).toEqual([
      {
        label: "b",
        support: 4,
        precision: 0.8,
        recall: 1,
        f1: 0.9,
        specificity: undefined,
        auroc: undefined,
      },
    ]);
    expect(curves.confusion?.counts).toEqual([
      [3, 1],
      [0, 4],
    ]);
    expect(curves.roc[0]).toMatchObject({
      score: 0.9,
      x: [0, 1],
      thresholds: [Number.POSITIVE_INFINITY, 0.5],
    });
    expect(curves.calibration?.bins[0]).toMatchObject({ predicted: 0.4, observed: undefined });
    expect(curves.density?.bins).toBe(2);
    expect(curves.residuals?.counts).toEqual([1, 2]);
  });
  it("draws nothing from what it does not know", () => {
    const none = {
      perClass: [],
      confusion: undefined,
      roc: [],
      precisionRecall: [],
      calibration: undefined,
      density: undefined,
      residuals: undefined,
    };
    expect(readCurves(null)).toEqual(none);
    expect(
      readCurves({ confusion: { labels: ["a"], counts: [] }, predicted_true: { bins: 3, counts: [1] } }),
    ).toEqual(none);
  });
  it("normalises rows of the confusion matrix, empty ones included", () => {
    expect(
      rowNormalised([
        [3, 1],
        [0, 0],
      ]),
    ).toEqual([
      [0.75, 0.25],
      [0, 0],
    ]);
  });
});

describe("datasets", () => {
  it("reads columns with their shapes", () => {
    const [column] = readColumns({
      columns: [{ name: "x", dtype: "list", shape: [8, 8], nulls: 1, distinct: 3 }],
    });
    expect(column).toMatchObject({ name: "x", dtype: "list[8, 8]", nulls: 1, min: undefined });
  });
  it("reads split parts, with and without a leakage report", () => {
    const parts = { train: { rows: 8, fingerprint: "f" }, test: { rows: 2 } };
    expect(readSplitParts(parts).leaks).toBeUndefined();
    const split = readSplitParts({ parts, leakage: { pairs: [{ a: "train", b: "test", shared_rows: 2 }] } });
    expect(split.parts.map((part) => [part.name, part.rows])).toEqual([
      ["train", 8],
      ["test", 2],
    ]);
    expect(split.leaks).toEqual([{ a: "train", b: "test", sharedRows: 2, firstRows: [], firstIds: [] }]);
  });
  it("lists the fields of a schema with defaults and ranges", () => {
    const fields = readSchema({
      required: ["n"],
      properties: {
        n: { type: "integer", minimum: 1, maximum: 9 },
        mode: { enum: ["a", "b"], default: "a" },
        opt: { type: "object", properties: { lr: { type: "number", default: 0.1, exclusiveMinimum: 0 } } },
      },
    });
    expect(fields.map((field) => [field.name, field.type, field.fallback, field.required])).toEqual([
      ["n", "integer 1 … 9", undefined, true],
      ["mode", '"a" | "b"', "a", false],
      ["opt.lr", "number > 0", 0.1, false],
    ]);
  });
});

describe("events", () => {
  it("gather by run and say what they touch", () => {
    const pending: Pending = new Map();
    for (const changed of [["metrics"], ["logs"]]) {
      const event = readRunEvent(JSON.stringify({ run: "a", project: "p", state: "running", changed }));
      if (event) gather(pending, event);
    }
    expect([...(pending.get("a") ?? [])].sort()).toEqual(["logs", "metrics"]);
    expect(touchesRow(new Set(["logs"]))).toBe(false);
    expect(touchesRow(new Set(["logs", "state"]))).toBe(true);
  });
  it("that make no sense are ignored", () => {
    expect(readRunEvent("not json")).toBeUndefined();
    expect(readRunEvent("{}")).toBeUndefined();
    expect(readRunEvent("null")).toBeUndefined();
  });
});

describe("small readers", () => {
  it("read non-finite numbers", () => {
    expect(toFloat("NaN")).toBeNaN();
    expect(toFloat("-Infinity")).toBe(Number.NEGATIVE_INFINITY);
    expect(toFloat(null)).toBeUndefined();
    expect(toFinite("Infinity")).toBeUndefined();
    expect(toFinite(0)).toBe(0);
  });
  it("flatten JSON by dotted path", () => {
    expect(leaves({ a: { b: [1, 2] }, c: [{ d: 1 }] }).map((leaf) => leaf.path)).toEqual(["a.b", "c.0.d"]);
  });
  it("put metrics into sections", () => {
    const list = [{ name: "train/loss" }, { name: "lr" }, { name: "x", group: "Gradients" }];
    expect(sections(list).map(([name]) => name)).toEqual(["metrics", "Gradients", "train"]);
  });
  it("choose round ticks inside the domain", () => {
    expect(ticks([0, 1], 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks([3, 3], 5)).toEqual([3]);
    expect(linear([0, 10], [100, 0])(2.5)).toBe(75);
  });
  it("follow the system unless told otherwise", () => {
    expect(resolveTheme(readTheme(null), true)).toBe("dark");
    expect(resolveTheme(readTheme("light"), true)).toBe("light");
    expect(readTheme("pink")).toBe("system");
  });
});
