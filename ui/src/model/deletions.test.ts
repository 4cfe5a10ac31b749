import { describe, expect, it } from "vitest";
import { actionText, lengthText, ruleText, sizeBytes, sizeParts } from "./deletions";

const size = { row_count: 3, row_bytes: 100, blob_count: 0, blob_bytes: 0, file_count: 1, file_bytes: 2048 };

describe("what deletions free", () => {
  it("is added up, and parts that are nothing stay out", () => {
    expect(sizeBytes(size)).toBe(2148);
    expect(sizeParts(size).map((part) => [part.what, part.bytes])).toEqual([
      ["records and metrics", "100 B"],
      ["run directories", "2.0 KiB"],
    ]);
  });
  it("is told in words, unknown actions as they are", () => {
    expect(actionText("drop_logs")).toBe("Output dropped");
    expect(actionText("melt")).toBe("melt");
  });
});

describe("retention rules", () => {
  it("are sentences", () => {
    const rule = { action: "delete", query: "", after_ms: 90 * 86_400_000, keep_last: 20 };
    expect(ruleText(rule)).toBe(
      "all ended runs that ended at least 90 days ago, but the 20 newest of each experiment",
    );
    expect(ruleText({ action: "purge", query: "tags.old", after_ms: null, keep_last: 0 })).toBe(
      "ended runs that match",
    );
  });
  it("have lengths in the largest unit that leaves no rest", () => {
    expect([lengthText(7 * 86_400_000), lengthText(36 * 3_600_000), lengthText(1_500)]).toEqual([
      "1 week",
      "36 hours",
      "1500 ms",
    ]);
  });
});
