import { describe, expect, it } from "vitest";
import { columnOf } from "./columns";
import {
  columnPieces,
  columnWindow,
  edgesOf,
  moved,
  piecesNeeded,
  placeColumns,
  readWidths,
  switched,
  WIDTH_MIN,
  writeWidths,
} from "./placing";

const columns = ["state", "metrics.loss", "params.lr"].flatMap((id) => columnOf(id) ?? []);

describe("widths in the address", () => {
  it("survive names with commas and colons", () => {
    const widths = new Map([
      ['params."a,b:c"', 120],
      ["metrics.loss", 200],
    ]);
    expect(readWidths(writeWidths(widths))).toEqual(widths);
  });

  it("are bounded, and nonsense is left out", () => {
    expect([...readWidths("state:1,loss:wide,:4,x:100000")]).toEqual([
      ["state", WIDTH_MIN],
      ["x", 640],
    ]);
    expect(writeWidths(new Map())).toBeUndefined();
  });
});

describe("placing", () => {
  it("puts pinned columns first and takes chosen widths", () => {
    const placed = placeColumns(columns, ["params.lr"], new Map([["state", 90]]));
    expect(placed.map((column) => [column.id, column.pinned, column.at])).toEqual([
      ["params.lr", true, 0],
      ["state", false, 1],
      ["metrics.loss", false, 2],
    ]);
    expect(placed[1]?.width).toBe(90);
  });

  it("moves a column before and behind others", () => {
    expect(moved(["a", "b", "c"], "a", 2)).toEqual(["b", "c", "a"]);
    expect(moved(["a", "b", "c"], "c", 0)).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b"], "x", 0)).toEqual(["a", "b"]);
    expect(moved(["a", "b"], "a", -5)).toEqual(["a", "b"]);
  });

  it("switches a name in a list", () => {
    expect(switched(undefined, "state")).toBe("state");
    expect(switched("state,seed", "state")).toBe("seed");
    expect(switched("state", "state")).toBeUndefined();
  });
});

describe("columns on screen", () => {
  const edges = edgesOf(Array.from({ length: 2000 }, () => ({ width: 100 })));

  it("are found by halving in 2,000", () => {
    expect(columnWindow(edges, 0, 500, 0)).toEqual({ first: 0, end: 6 });
    expect(columnWindow(edges, 100_050, 400, 0)).toEqual({ first: 1000, end: 1005 });
    expect(columnWindow(edges, 199_900, 500, 100)).toEqual({ first: 1998, end: 2000 });
    expect(columnWindow([0], 0, 500, 100)).toEqual({ first: 0, end: 0 });
  });

  it("need only the pieces that hold them", () => {
    const ids = Array.from({ length: 2000 }, (_, i) => `metrics.m${i}`);
    expect(columnPieces(ids)).toHaveLength(40);
    expect(columnPieces(ids).flat()).toEqual(ids);
    expect(columnPieces([])).toEqual([[]]);
    expect(piecesNeeded(2, { first: 1000, end: 1005 })).toEqual([0, 20]);
    expect(piecesNeeded(0, { first: 48, end: 52 })).toEqual([0, 1]);
  });
});
