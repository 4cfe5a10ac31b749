import { describe, expect, it } from "vitest";
import { adapterCan, inputHint, leftModel, querySpec, readDescription } from "./served";

const TABLE = {
  version: 1,
  task: "multiclass",
  input: {
    kind: "table",
    columns: [
      { name: "bill", type: "number", required: false },
      { name: "island", type: "category", values: ["Biscoe", 7, null] },
      { name: "note", type: "poem" },
      { type: "number" },
    ],
  },
  output: { kind: "classes", labels: ["Adelie", "Gentoo"] },
};

describe("a description", () => {
  it("of a table has a column per field, needed unless it says otherwise", () => {
    const { input, output, task } = readDescription(TABLE);
    expect(task).toBe("multiclass");
    expect(output.kind).toBe("classes");
    expect(input).toEqual({
      kind: "table",
      columns: [
        { name: "bill", type: "number", values: [], required: false },
        { name: "island", type: "category", values: ["Biscoe", "7"], required: true },
        { name: "note", type: "text", values: [], required: true },
      ],
    });
  });
  it("of a kind that is not known names it", () => {
    expect(readDescription({ input: { kind: "graph" } }).input).toEqual({ kind: "unknown", name: "graph" });
    expect(readDescription(null).input).toEqual({ kind: "unknown", name: "" });
  });
  it("keeps free axes of a tensor", () => {
    const { input } = readDescription({ input: { kind: "tensor", shape: [null, 3], dtype: "float32" } });
    expect(input).toEqual({ kind: "tensor", shape: [undefined, 3], dtype: "float32" });
    expect(inputHint(input)).toBe("nested lists of float32, any × 3");
  });
  it("of a search names its kinds of queries, known ones only", () => {
    const said = readDescription({
      input: { kind: "image", height: 8, width: 9, channels: 1 },
      query: ["image", "sound", "vector"],
      vector_length: 4,
    });
    expect(said.query).toEqual(["vector", "image"]);
    expect(querySpec(said, "vector")).toEqual({ kind: "vector", length: 4 });
    expect(querySpec(said, "image")).toEqual({ kind: "image", height: 8, width: 9, channels: 1 });
    expect(inputHint(querySpec(said, "image"))).toContain("8 × 9, grey");
  });
  it("of vectors gives queries their length", () => {
    const said = readDescription({ input: { kind: "vector", length: 3 }, query: ["vector"] });
    expect(querySpec(said, "vector")).toEqual({ kind: "vector", length: 3 });
  });
});

describe("a run left a model", () => {
  it("when its artifacts hold the description, as a file of a model", () => {
    expect(leftModel([{ path: "artifacts/model.json", kind: "model" }])).toBe(true);
    expect(leftModel([{ path: "artifacts/model.json", kind: "file" }])).toBe(false);
    expect(leftModel([{ path: "artifacts/sub/model.json", kind: "model" }])).toBe(false);
  });
});

describe("adapterCan", () => {
  it("is told by the snapshot alone", () => {
    expect(adapterCan({ capabilities: ["train", "export"] }, "export")).toBe(true);
    expect(adapterCan({ capabilities: ["train"] }, "export")).toBe(false);
    for (const unknown of [undefined, null, "script", {}, { capabilities: "export" }]) {
      expect(adapterCan(unknown, "export")).toBe(false);
    }
  });
});
