import { describe, expect, it } from "vitest";
import { histogramBars, histogramText, missingHistogram } from "./columnHistogram";
import { readColumns } from "./dataset";

const column = (more: Record<string, unknown>) => {
  const [read] = readColumns({ columns: [{ name: "a", dtype: "float", min: 0, max: 1, ...more }] });
  if (!read) throw new Error("no column");
  return read;
};

describe("histogram of a column", () => {
  it("draws a bar for each bin, and none where nothing is", () => {
    const bars = histogramBars(column({ histogram: { start: 0, width: 0.5, counts: [1, 0, 100] } }));
    expect(bars.map((bar) => bar.left)).toEqual([0, 1 / 3, 2 / 3]);
    expect(bars[1]?.height).toBe(0);
    expect(bars[2]?.height).toBe(1);
    expect(bars[0]?.height).toBeGreaterThan(0.01);
    expect(bars.map((bar) => bar.text)).toEqual([
      "0 to 0.5: 1 value",
      "0.5 to 1: 0 values",
      "1 to 1.5: 100 values",
    ]);
  });

  it("names whole numbers without an upper edge that no value has", () => {
    const ones = column({ dtype: "int", histogram: { start: 3, width: 1, counts: [2, 4] } });
    expect(histogramBars(ones).map((bar) => bar.text)).toEqual(["3: 2 values", "4: 4 values"]);
    const fours = column({ dtype: "uint8", histogram: { start: 0, width: 4, counts: [2, 4] } });
    expect(histogramBars(fours)[1]?.text).toBe("4 to 7: 4 values");
    const shaped = column({ dtype: "uint8", shape: [8, 8], histogram: { start: 0, width: 1, counts: [1] } });
    expect(histogramBars(shaped)[0]?.text).toBe("0: 1 value");
  });

  it("says it in words", () => {
    const two = column({ histogram: { start: 0, width: 0.5, counts: [10, 1990] } });
    expect(histogramText(two)).toBe("2000 values in 2 bins; the fullest is 0.5 to 1: 1990 values");
    const same = column({ histogram: { start: 7, width: 0, counts: [5] } });
    expect(histogramText(same)).toBe("all 5 values are in one bin");
    expect(histogramBars(same)[0]?.text).toBe("7: 5 values");
  });

  it("tells an unrecorded histogram from a column that has none", () => {
    expect(missingHistogram(column({}))).toContain("Not recorded");
    expect(missingHistogram(column({ min: undefined, dtype: "string" }))).toBeUndefined();
    expect(missingHistogram(column({ histogram: { start: 0, width: 1, counts: [1] } }))).toBeUndefined();
    expect(column({ histogram: { start: 0, counts: [1] } }).histogram).toBeUndefined();
    expect(histogramBars(column({}))).toEqual([]);
  });
});
