import { describe, expect, it } from "vitest";
import { previewKind, previewTable, previewText, previewTree, textual } from "./preview";

describe("preview", () => {
  it("goes by the name; documents with scripts are text", () => {
    expect(textual("a/b.csv")).toBe(true);
    expect(textual("model.bin")).toBe(false);
    const kinds = ["a.png", "a.csv", "a.json", "a.html", "a.svg", "a.bin"].map(previewKind);
    expect(kinds).toEqual(["picture", "table", "tree", "text", "text", "none"]);
  });
  it("never fails on content", () => {
    expect(previewText("a.json", '{"a":1}', false)).toBe('{\n  "a": 1\n}');
    expect(previewText("a.json", '{"a":', true)).toBe('{"a":');
    expect(previewText("a.json", "not json", false)).toBe("not json");
    expect(previewTree("{", false)).toBeUndefined();
    expect(previewTree("null", false)).toEqual({ value: null });
    expect(previewTree("1", true)).toBeUndefined();
  });
  it("reads delimited text with quotes, and drops a torn last line", () => {
    expect(previewTable("a.csv", 'id,said\r\n1,"a, ""b""\nc"\r\n2,x', false)).toEqual({
      columns: ["id", "said"],
      rows: [
        ["1", 'a, "b"\nc'],
        ["2", "x"],
      ],
    });
    expect(previewTable("a.tsv", "a\tb\n1\t2\n3\t", true)?.rows).toEqual([["1", "2"]]);
  });
  it("reads lines of JSON objects, and nothing else as such", () => {
    expect(previewTable("a.jsonl", '{"a":1}\n{"b":"x"}\n', false)).toEqual({
      columns: ["a", "b"],
      rows: [
        ["1", ""],
        ["", "x"],
      ],
    });
    expect(previewTable("a.jsonl", "[1]\n", false)).toBeUndefined();
  });
});
