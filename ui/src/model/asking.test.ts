import { describe, expect, it } from "vitest";
import { blamed, cellField, type Draft, EMPTY_DRAFT, readHits, WHOLE, writeInput } from "./asking";
import type { InputSpec } from "./served";

const TABLE: InputSpec = {
  kind: "table",
  columns: [
    { name: "bill", type: "number", values: [], required: true },
    { name: "mass", type: "number", values: [], required: false },
    { name: "island.name", type: "category", values: ["Biscoe"], required: true },
    { name: "__proto__", type: "text", values: [], required: false },
  ],
};

function draft(part: Partial<Draft>): Draft {
  return { ...EMPTY_DRAFT, ...part };
}

describe("a row", () => {
  it("has numbers as numbers, and nothing for cells that may be missing", () => {
    const cells = { bill: " 39.5 ", mass: "  ", "island.name": "Biscoe" };
    expect(writeInput(TABLE, draft({ cells }))).toEqual({ value: { bill: 39.5, "island.name": "Biscoe" } });
  });
  it("tells of every cell that is wrong", () => {
    const { mistakes } = writeInput(TABLE, draft({ cells: { bill: "1e999", mass: "heavy" } }));
    expect(Object.keys(mistakes ?? {})).toEqual(["bill", "mass", "island.name"].map(cellField));
    expect(mistakes?.[cellField("bill")]).toBe("must be a finite number");
    expect(mistakes?.[cellField("island.name")]).toContain("missing");
  });
  it("takes a column called like a part of every object", () => {
    const cells = Object.fromEntries([
      ["bill", "1"],
      ["island.name", "Biscoe"],
      ["__proto__", "x"],
    ]);
    const { value } = writeInput(TABLE, draft({ cells }));
    expect(JSON.stringify(value)).toBe('{"bill":1,"island.name":"Biscoe","__proto__":"x"}');
  });
});

describe("other inputs", () => {
  it("of numbers may stand without brackets, and have a length", () => {
    const spec: InputSpec = { kind: "vector", length: 3 };
    expect(writeInput(spec, draft({ numbers: "1, -2.5, 3e2" }))).toEqual({ value: [1, -2.5, 300] });
    expect(writeInput(spec, draft({ numbers: "[1, 2]" })).mistakes?.[WHOLE]).toContain("has 2 numbers");
    for (const numbers of ["[1, null, 3]", "[[1], 2, 3]", "a, b", "[1, 1e999, 2]"]) {
      expect(writeInput(spec, draft({ numbers })).mistakes?.[WHOLE]).toContain("must be numbers");
    }
  });
  it("of tensors have a shape, with free axes of any size", () => {
    const spec: InputSpec = { kind: "tensor", shape: [undefined, 2], dtype: "float32" };
    expect(writeInput(spec, draft({ numbers: "[[1, 2], [3, 4], [5, 6]]" })).value).toHaveLength(3);
    expect(writeInput(spec, draft({ numbers: "[[1, 2], [3]]" })).mistakes?.[WHOLE]).toContain("any × 2");
    expect(writeInput(spec, draft({ numbers: "[1, 2" })).mistakes?.[WHOLE]).toContain("must be JSON");
  });
  it("of text count characters, not units", () => {
    const spec: InputSpec = { kind: "text", maxChars: 2 };
    expect(writeInput(spec, draft({ text: "🐧🐧" }))).toEqual({ value: "🐧🐧" });
    expect(writeInput(spec, draft({ text: "abc" })).mistakes?.[WHOLE]).toContain("has 3 characters");
    expect(writeInput(spec, EMPTY_DRAFT).mistakes?.[WHOLE]).toBe("is empty");
  });
  it("of a forecast are whole steps within the model's reach", () => {
    const spec: InputSpec = { kind: "history", horizonMax: 12 };
    expect(writeInput(spec, draft({ horizon: "12" }))).toEqual({ value: { horizon: 12 } });
    for (const horizon of ["", "0", "13", "1.5"]) {
      expect(writeInput(spec, draft({ horizon })).mistakes?.[WHOLE]).toContain("from 1 to 12");
    }
  });
  it("of an unknown kind are refused", () => {
    expect(writeInput({ kind: "unknown", name: "graph" }, EMPTY_DRAFT).mistakes?.[WHOLE]).toContain("graph");
  });
});

describe("a refusal", () => {
  it("stands at the column it names, without the path", () => {
    const details = { field: "inputs.0.island.name", message: "must be one of Biscoe" };
    const error = { message: "inputs.0.island.name: must be one of Biscoe", details };
    expect(blamed(TABLE, error)).toEqual({ [cellField("island.name")]: "must be one of Biscoe" });
    const bare = { ...error, details: { field: details.field } };
    expect(blamed(TABLE, bare)).toEqual({ [cellField("island.name")]: "must be one of Biscoe" });
  });
  it("of any part of an input without columns stands at the input", () => {
    const spec: InputSpec = { kind: "vector", length: 2 };
    for (const field of ["inputs.0", "inputs.0.1", "queries.0.vector.1"]) {
      expect(blamed(spec, { message: "no", details: { field } })).toEqual({ [WHOLE]: "no" });
    }
  });
  it("of the number of hits stands there", () => {
    expect(blamed(TABLE, { message: "`k` must be 1", details: { field: "k" } })).toEqual({
      k: "`k` must be 1",
    });
  });
  it("that names nothing of the form stands at no field", () => {
    for (const details of [undefined, {}, { field: "options.view" }, { field: "inputs.0.other" }]) {
      expect(blamed(TABLE, { message: "no", details })).toBeUndefined();
    }
  });
});

describe("the number of hits", () => {
  it("is whole and within the bound", () => {
    expect(readHits(" 10 ")).toBe(10);
    for (const text of ["", "0", "1001", "2.5", "ten"]) expect(readHits(text)).toBeUndefined();
  });
});
