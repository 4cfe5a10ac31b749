/** The colours of tokens.css, measured: text is readable, lines are told apart by every eye. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PALETTE_SIZE } from "./colors";
import {
  contrastRatio,
  difference,
  luminance,
  type Rgb,
  readHex,
  readTokens,
  TEXT_PAIRS,
  worstDifference,
} from "./contrast";

const tokens = readTokens(readFileSync(new URL("../tokens.css", import.meta.url), "utf8"));

/** WCAG 2.2: 1.4.3 for text, 1.4.11 for lines and controls. */
const TEXT_MIN = 4.5;
const GRAPHIC_MIN = 3;
/** Any two colours of the palette, and two that follow each other. */
const DIFFERENCE_MIN = 5;
const NEIGHBOUR_MIN = 12;

describe("measures", () => {
  it("agree with WCAG's own examples", () => {
    expect(contrastRatio([0, 0, 0], [1, 1, 1])).toBeCloseTo(21, 6);
    expect(contrastRatio(readHex("#777777") as Rgb, [1, 1, 1])).toBeCloseTo(4.478, 2);
    expect(luminance(readHex("#ff0000") as Rgb)).toBeCloseTo(0.2126, 4);
  });
  it("see red and green nearer to each other with deuteranopia", () => {
    const [red, green] = [readHex("#c00000") as Rgb, readHex("#008000") as Rgb];
    expect(difference(red, green, "deuteranopia")).toBeLessThan(difference(red, green) / 2);
  });
  it("read colours written in six digits, or in three as a build shortens them", () => {
    expect(readHex("#fa0")).toEqual(readHex("#ffaa00"));
    expect(readHex("#fa01")).toBeUndefined();
    expect(readHex("#ff8000")).toEqual([1, 128 / 255, 0]);
    expect(readHex("rgb(1 2 3)")).toBeUndefined();
  });
});

describe.each(["light", "dark"] as const)("the %s scheme", (theme) => {
  const color = (name: string): Rgb => {
    const found = readHex(tokens[theme].get(name) ?? "");
    if (!found) throw new Error(`--${name} is no colour of the ${theme} scheme`);
    return found;
  };
  const palette = Array.from({ length: PALETTE_SIZE }, (_, i) => color(`series-${i}`));

  it.each(TEXT_PAIRS)("%s can be read on %s", (text, ground) => {
    expect(contrastRatio(color(text), color(ground))).toBeGreaterThanOrEqual(TEXT_MIN);
  });
  it("draws every line so that it can be seen", () => {
    for (const one of palette) {
      for (const ground of ["panel", "bg"]) {
        expect(contrastRatio(one, color(ground))).toBeGreaterThanOrEqual(GRAPHIC_MIN);
      }
    }
  });
  it("keeps the colours of runs apart for every kind of vision", () => {
    for (const [i, one] of palette.entries()) {
      for (const [j, other] of palette.entries()) {
        if (j >= i) continue;
        const next = i - j === 1 || i - j === PALETTE_SIZE - 1;
        expect(worstDifference(one, other), `${j} and ${i}`).toBeGreaterThan(
          next ? NEIGHBOUR_MIN : DIFFERENCE_MIN,
        );
      }
    }
  });
});
