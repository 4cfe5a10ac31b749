import { describe, expect, it } from "vitest";
import { cellWords, sharesOf } from "./confusion";
import { columnNormalised, mistakes, positivesOf } from "./curves";
import { difference } from "./difference";
import { galleries } from "./media";
import { buildRidges, evenly, RIDGE_BINS, rebin } from "./ridges";
import { numericColumns, toCsv, viewRows } from "./tableView";
import { peaks } from "./waveform";

const sum = (values: readonly number[]) => values.reduce((total, one) => total + one, 0);

describe("histograms over steps", () => {
  it("keeps every count when bins change, also of a bin without width", () => {
    const even = rebin({ counts: [3, 5, 2], edges: [0, 1, 2.5, 4] }, [0, 4]);
    expect(sum(even)).toBeCloseTo(10, 9);
    expect(sum(even.slice(0, RIDGE_BINS / 4))).toBeCloseTo(3, 9);
    const point = rebin({ counts: [7], edges: [1, 1] }, [0, 4]);
    expect(point[RIDGE_BINS / 4]).toBe(7);
    expect(sum(rebin({ counts: [4], edges: [4, 4] }, [0, 4]))).toBe(4);
  });

  it("brings all steps to one axis as shares", () => {
    const record = (step: number, edges: number[]) => ({
      kind: "histogram",
      attempt: 1,
      body: { name: "w", step, counts: [1, 3], edges, non_finite: 2 },
    });
    const [gallery] = galleries([record(5, [0, 1, 2]), record(1, [-2, 0, 2])]);
    const ridges = gallery && buildRidges(gallery);
    expect(ridges?.domain).toEqual([-2, 2]);
    expect(ridges?.rows.map((row) => [row.step, row.total, row.nonFinite])).toEqual([
      [1, 4, 2],
      [5, 4, 2],
    ]);
    for (const row of ridges?.rows ?? []) expect(sum(row.shares)).toBeCloseTo(1, 9);
  });

  it("chooses evenly with both ends", () => {
    expect(evenly([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4)).toEqual([0, 3, 6, 9]);
    expect(evenly([1, 2], 4)).toEqual([1, 2]);
  });
});

describe("difference of pictures", () => {
  it("amplifies what is seen and measures what is there", () => {
    const one = new Uint8ClampedArray([10, 10, 10, 255, 0, 0, 0, 255]);
    const other = new Uint8ClampedArray([10, 10, 10, 0, 30, 0, 0, 255]);
    const found = difference(one, other, 4);
    expect([...found.pixels]).toEqual([0, 0, 0, 255, 120, 0, 0, 255]);
    expect(found).toMatchObject({ mean: 5, max: 30, changed: 0.5 });
  });
});

describe("outline of a sound", () => {
  it("shows a click of one sample", () => {
    const samples = new Float32Array(1000);
    samples[777] = -1;
    const { low, high } = peaks(samples, 10);
    expect(low.map((value, i) => (value < 0 ? i : -1)).filter((i) => i >= 0)).toEqual([7]);
    expect(Math.max(...high)).toBe(0);
    expect(peaks(new Float32Array(2), 4).low).toEqual([0, 0, 0, 0]);
  });
});

describe("logged tables", () => {
  const table = {
    columns: ["id", "label", "score"],
    rows: [
      ["1", "cat", "0.5"],
      ["10", "Dog, big", ""],
      ["2", 'a "b"', "-3"],
    ],
  };

  it("finds text and orders numbers as numbers, empty cells last", () => {
    expect(viewRows(table, "DOG", undefined)).toEqual([1]);
    expect(viewRows(table, "", { column: 0, descending: true })).toEqual([1, 2, 0]);
    expect(viewRows(table, "", { column: 2, descending: false })).toEqual([2, 0, 1]);
    expect(viewRows(table, "", { column: 2, descending: true })).toEqual([0, 2, 1]);
    expect(numericColumns(table)).toEqual([true, false, true]);
  });

  it("writes CSV with quotes where they are needed", () => {
    expect(toCsv(table, [1, 2])).toBe('id,label,score\r\n10,"Dog, big",\r\n2,"a ""b""",-3');
  });
});

describe("confusion", () => {
  const confusion = {
    labels: ["a", "b"],
    counts: [
      [8, 2],
      [0, 0],
    ],
    weighted: false,
  };

  it("normalises by what was predicted and names the mistakes", () => {
    expect(columnNormalised(confusion.counts)).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(mistakes(confusion, 5)).toEqual([{ truth: 0, predicted: 1, count: 2 }]);
    expect(positivesOf(confusion, "a")).toBe(10);
    expect(positivesOf({ ...confusion, weighted: true }, "a")).toBeUndefined();
    expect(positivesOf(confusion, "c")).toBeUndefined();
  });

  it("says in words of what a share is", () => {
    const cells = (mode: "rows" | "columns") => ({ confusion, mode, shares: sharesOf(confusion, mode) });
    expect(cellWords(cells("rows"), 0, 1)).toBe("2 of class a predicted as b: 20.0% of all of class a");
    expect(cellWords(cells("columns"), 0, 1)).toBe(
      "2 of class a predicted as b: 100.0% of all predicted as b",
    );
  });
});
