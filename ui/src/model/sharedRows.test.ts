import { describe, expect, it } from "vitest";
import { leakedParts, leakedRows, readSplitParts } from "./dataset";

const PARTS = {
  parts: { train: { rows: 8 }, test: { rows: 2 }, val: { rows: 2 } },
  leakage: {
    pairs: [
      { a: "train", b: "test", shared_rows: 1, first_rows_in_b: [1], first_ids_in_b: ["dup"] },
      { a: "test", b: "val", shared_rows: 9, first_rows_in_b: [0, 4, "x"] },
    ],
  },
  accepted: {
    test: { user: "ann", reason: "one patient twice", accepted_at: 5 },
    val: { user: "ann" },
  },
};

describe("shared rows of a split", () => {
  const { leaks = [], accepted, parts } = readSplitParts(PARTS);

  it("are named by id, else by place", () => {
    expect(leaks.map(leakedRows)).toEqual(["id dup", "from 0: 0, 4 and more"]);
    expect(leakedRows({ a: "a", b: "b", sharedRows: 3, firstRows: [], firstIds: [] })).toBe("");
  });

  it("touch results of every part but the one that is trained on", () => {
    expect(leakedParts(leaks).map((one) => [one.split, one.leaks.length])).toEqual([
      ["test", 2],
      ["val", 1],
    ]);
  });

  it("are accepted by somebody with a reason, or not at all", () => {
    expect([...accepted]).toEqual([["test", { user: "ann", reason: "one patient twice", acceptedAt: 5 }]]);
    expect(parts.map((part) => part.name)).toEqual(["train", "test", "val"]);
    expect(readSplitParts({ train: { rows: 1 }, accepted: {} }).parts.map((one) => one.name)).toEqual([
      "train",
    ]);
  });
});
