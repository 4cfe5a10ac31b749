import { describe, expect, it } from "vitest";
import { type AnalysisRow, isNumeric, missingText, readCell, typedColumns } from "./analysis";
import { analysisData } from "./analysisRows";
import { defaultState, moved, readAnalysisState } from "./analysisState";
import { buildAxis, numberAt, placesOf, valueAt } from "./axis";
import { brushedRows, brushOver, readBrushes, stretchOf } from "./brush";

function row(id: string, values: AnalysisRow["values"], group?: string): AnalysisRow {
  return { id, name: id, color: 0, values, group };
}

const ROWS = [
  row("a", { lr: "0.1", opt: "adam", acc: 0.5 }),
  row("b", { lr: "0.001", opt: "sgd", acc: "NaN" }),
  row("c", { lr: "0.01", opt: "adam", acc: null }),
];
const LR = { id: "lr", label: "lr", numeric: true };
const OPT = { id: "opt", label: "opt", numeric: false };
const ACC = { id: "acc", label: "acc", numeric: true };

describe("cells", () => {
  it("reads numbers of the API and of params, and says why there is none", () => {
    expect(readCell(" 1e-3", true)).toEqual({ kind: "number", value: 0.001 });
    expect(readCell("NaN", true)).toEqual({ kind: "missing", why: "NaN" });
    expect(readCell("-Infinity", true)).toEqual({ kind: "missing", why: "−∞" });
    expect(readCell("", true)).toEqual({ kind: "missing", why: "no value" });
    expect(readCell("adam", true)).toEqual({ kind: "missing", why: "no value" });
    expect(readCell("NaN", false)).toEqual({ kind: "text", value: "NaN" });
    expect(missingText([readCell("NaN", true), readCell(null, true), readCell(1, true)])).toBe(
      "1 NaN, 1 no value",
    );
  });

  it("finds that a column of texts is one of numbers only when all of them are", () => {
    expect(isNumeric({ ...LR, numeric: false }, ROWS)).toBe(true);
    expect(isNumeric(OPT, ROWS)).toBe(false);
    expect(isNumeric({ ...LR, numeric: false }, [...ROWS, row("d", { lr: "auto" })])).toBe(false);
    expect(isNumeric({ ...LR, numeric: false }, [])).toBe(false);
  });
});

describe("axes", () => {
  it("places decades evenly on a logarithmic axis and back", () => {
    const axis = buildAxis(LR, ROWS, { log: true });
    expect(placesOf(axis, ROWS).map((at) => at?.toFixed(3))).toEqual(["1.000", "0.000", "0.500"]);
    expect(valueAt(axis, 0.5)).toBeCloseTo(0.01, 12);
    expect(axis.ticks.map((tick) => tick.label)).toEqual([
      "0.001",
      "0.002",
      "0.005",
      "0.01",
      "0.02",
      "0.05",
      "0.1",
    ]);
    expect(numberAt(axis, 0)).toBeUndefined();
  });

  it("stays linear where no value is above zero", () => {
    expect(buildAxis(ACC, [row("a", { acc: -1 }), row("b", { acc: 0 })], { log: true }).scale).toBe("linear");
  });

  it("has no place for a missing value and orders categories by their numbers", () => {
    const [first, ...others] = placesOf(buildAxis(ACC, ROWS), ROWS);
    expect(first).toBeCloseTo(0.5, 9);
    expect(others).toEqual([undefined, undefined]);
    const axis = buildAxis(OPT, [row("a", { opt: "v10" }), row("b", { opt: "v9" })]);
    expect(axis.categories).toEqual(["v9", "v10"]);
  });
});

describe("brushes", () => {
  it("keeps the rows inside of every brush; a row without a value is outside", () => {
    const axes = [buildAxis(LR, ROWS, { log: true }), buildAxis(OPT, ROWS), buildAxis(ACC, ROWS)];
    expect(brushedRows(axes, {}, ROWS)).toBeUndefined();
    const lr = { lr: { from: 0.005, to: 0.5 } };
    expect([...(brushedRows(axes, lr, ROWS) ?? [])]).toEqual(["a", "c"]);
    const both = { ...lr, opt: { of: ["adam"] } };
    expect([...(brushedRows(axes, both, ROWS) ?? [])]).toEqual(["a", "c"]);
    const three = { ...both, acc: { from: 0, to: 1 } };
    expect([...(brushedRows(axes, three, ROWS) ?? [])]).toEqual(["a"]);
  });

  it("is made from a stretch and lies where it was drawn", () => {
    const axis = buildAxis(LR, ROWS, { log: true });
    const brush = brushOver(axis, 0.8, 0.2);
    const stretch = stretchOf(axis, brush);
    expect(stretch?.[0]).toBeCloseTo(0.2, 9);
    expect(stretch?.[1]).toBeCloseTo(0.8, 9);
    const snapped = brushOver(axis, 0.003, 0.5);
    expect([...(brushedRows([axis], snapped ? { lr: snapped } : {}, ROWS) ?? [])]).toEqual(["b", "c"]);
    expect(brushOver(axis, 0.5, 0.5)).toBeUndefined();
    expect(brushOver(axis, -1, 2)).toBeUndefined();
    expect(brushOver(buildAxis(OPT, ROWS), 0, 0.4)).toEqual({ of: ["adam"] });
  });

  it("is read without trust", () => {
    expect(readBrushes({ a: { from: 2, to: 1 }, b: { of: [] }, c: 3, d: { from: 0, to: 1 } })).toEqual({
      d: { from: 0, to: 1 },
    });
  });
});

describe("state", () => {
  const columns = [LR, OPT, ACC].map((column) => ({ ...column, id: `params.${column.id}` }));

  it("survives being written and read, and is chosen from the rows where it says nothing", () => {
    const start = defaultState(columns, ROWS);
    expect(readAnalysisState(JSON.parse(JSON.stringify(start)), columns, ROWS)).toEqual(start);
    expect(readAnalysisState("nonsense", columns, ROWS)).toEqual(start);
    const odd = {
      version: 1,
      kind: "pie",
      parallel: { axes: ["x", 1, "x"] },
      scatter: { front: { x: "up" } },
    };
    const read = readAnalysisState(odd, columns, ROWS);
    expect(read.kind).toBe("parallel");
    expect(read.parallel.axes).toEqual(["x"]);
    expect(read.scatter.front).toEqual({ x: "maximize", y: "maximize" });
  });

  it("starts wide columns on a logarithmic axis", () => {
    const rows = [row("a", { "params.lr": "0.00001" }), row("b", { "params.lr": "0.1" })];
    expect(defaultState(columns, rows).parallel.log).toEqual(["params.lr"]);
  });

  it("moves an entry, not beyond the ends", () => {
    expect(moved(["a", "b", "c"], "c", -2)).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b"], "b", 1)).toEqual(["a", "b"]);
  });
});

describe("rows of runs", () => {
  it("takes operands of the query language, intervals and groups", () => {
    const run = {
      id: "r",
      name: "run",
      group: "g",
      experiment: "e",
      state: "finished",
      started_at: 1000,
      ended_at: 3500,
      metrics: { loss: "NaN" as const, "test/accuracy": 0.9 },
      intervals: { "test/accuracy": { low: 0.8, high: 0.95 } },
      params: { "opt.lr": "0.1" },
      tags: {},
    };
    const { rows, columns } = analysisData([run], new Map([["r", 3]]));
    expect(rows[0]).toMatchObject({
      color: 3,
      group: "g",
      values: { duration: 2500, "metrics.loss": "NaN" },
    });
    expect(rows[0]?.intervals).toEqual({ "eval.test.accuracy": { low: 0.8, high: 0.95 } });
    expect(rows[0]?.values["params.opt.lr"]).toBe("0.1");
    const ids = typedColumns(columns, rows)
      .filter((one) => one.numeric)
      .map((one) => one.id);
    expect(ids).toContain("params.opt.lr");
    expect(ids).toContain("eval.test.accuracy");
  });
});
