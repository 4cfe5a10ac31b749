import { describe, expect, it } from "vitest";
import { csv, fileName } from "./csv";

describe("csv", () => {
  it("quotes what must be quoted", () => {
    expect(
      csv(
        ["run", "value"],
        [
          ["a,b", 1],
          ['say "hi"', undefined],
          ["two\nlines", "NaN"],
        ],
      ),
    ).toBe('run,value\r\n"a,b",1\r\n"say ""hi""",\r\n"two\nlines",NaN\r\n');
  });
});

describe("fileName", () => {
  it("is safe and never empty", () => {
    expect(fileName("train/loss", "csv")).toBe("train-loss.csv");
    expect(fileName("../..", "png")).toBe("chart.png");
    expect(fileName("größe 1", "svg")).toBe("größe-1.svg");
  });
});
