import { describe, expect, it } from "vitest";
import { readTag } from "./tag";

describe("readTag", () => {
  it.each([
    ["stage=baseline", { name: "stage", value: "baseline" }],
    [" stage : base line ", { name: "stage", value: "base line" }],
    ["url=http://x/?a=b", { name: "url", value: "http://x/?a=b" }],
    ["keep", { name: "keep", value: "true" }],
    ["keep=", { name: "keep", value: "true" }],
    ["", undefined],
    ["=x", undefined],
  ])("%j", (text, tag) => {
    expect(readTag(text)).toEqual(tag);
  });
});
