import { describe, expect, it } from "vitest";
import { bars, edgeRange, galleries, type MediaRecord, readMedia, readTable } from "./media";

function image(step: number, attempt = 1, path = `artifacts/media/x/${step}-1.png`): MediaRecord {
  return { kind: "media", attempt, body: { type: "image", name: "x", step, path, caption: null } };
}

function histogram(step: number, counts: number[], edges: number[]): MediaRecord {
  return { kind: "histogram", attempt: 1, body: { name: "w", step, counts, edges, non_finite: 1 } };
}

describe("media", () => {
  it("are gathered by kind and name, with steps in order", () => {
    const found = galleries([image(5), histogram(1, [1], [0, 1]), image(2), image(5, 1, "second.png")]);
    expect(found.map((gallery) => gallery.key)).toEqual(["image:x", "histogram:w"]);
    expect(found[0]?.steps).toEqual([2, 5]);
    expect(found[0]?.items.get(5)?.map((item) => item.path)).toEqual([
      "artifacts/media/x/5-1.png",
      "second.png",
    ]);
  });
  it("of a step logged again by a later attempt are the later ones", () => {
    const found = galleries([image(3, 2, "new.png"), image(3, 1, "old.png")]);
    expect(found[0]?.items.get(3)?.map((item) => item.path)).toEqual(["new.png"]);
  });
  it("are read without trusting the record", () => {
    expect(readMedia({ kind: "alert", attempt: 1, body: { name: "x" } })).toBeUndefined();
    expect(readMedia({ kind: "media", attempt: 1, body: { type: "image", name: "x" } })).toBeUndefined();
    expect(readMedia({ kind: "media", attempt: 1, body: [] })).toBeUndefined();
    expect(
      readMedia({ kind: "media", attempt: 1, body: { type: "hologram", name: "x", path: "a" } })?.kind,
    ).toBe("file");
    expect(
      readMedia({ kind: "text", attempt: 1, body: { name: "n", step: 1, text: "<b>hi</b>" } }),
    ).toMatchObject({
      kind: "text",
      text: "<b>hi</b>",
    });
  });
});

describe("histograms", () => {
  const [gallery] = galleries([
    histogram(1, [1, 0, 2], [0, 1, 2, 3]),
    histogram(2, [4], [-5, -1]),
    histogram(3, [], [0]),
  ]);
  if (!gallery) throw new Error("no gallery was made");
  it("share one axis over all steps", () => {
    expect(edgeRange(gallery)).toEqual([-5, 3]);
  });
  it("draw the counts there are", () => {
    const [first] = gallery.items.get(1) ?? [];
    expect(first && bars(first)).toEqual([
      { from: 0, to: 1, count: 1 },
      { from: 2, to: 3, count: 2 },
    ]);
  });
});

describe("tables", () => {
  it("are read as text", () => {
    expect(readTable('{"columns": ["a", 2], "data": [[1, null], [{"x": 1}, "<i>"]]}')).toEqual({
      columns: ["a", "2"],
      rows: [
        ["1", ""],
        ['{"x":1}', "<i>"],
      ],
    });
  });
  it("are none where the file is another, or cut off", () => {
    expect(readTable('{"columns": ["a"], "data": [[1')).toBeUndefined();
    expect(readTable("[1, 2]")).toBeUndefined();
  });
});
