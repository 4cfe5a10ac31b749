import { describe, expect, it } from "vitest";
import { afterReturns, ansiSpans, LINE_LENGTH_MAX, markedSpans, plainText } from "./ansi";

const ESC = "\u001b";

describe("ansiSpans", () => {
  it("leaves plain text alone, markup included", () => {
    const line = "<img src=x onerror=alert(1)> & more";
    expect(ansiSpans(line)).toEqual([{ text: line, className: "", color: undefined }]);
  });
  it("names the sixteen colours and decorations by class", () => {
    const spans = ansiSpans(`${ESC}[1;31mbad${ESC}[0m fine`);
    expect(spans.map((s) => s.text)).toEqual(["bad", " fine"]);
    expect(spans[0]?.className.split(" ").sort()).toEqual(["ansi-bold", "ansi-red"]);
    expect(spans[1]?.className).toBe("");
  });
  it("computes palette colours and takes true colours as they are", () => {
    expect(ansiSpans(`${ESC}[38;5;208mx`)[0]?.color).toBe("rgb(255, 135, 0)");
    expect(ansiSpans(`${ESC}[38;5;232mx`)[0]?.color).toBe("rgb(8, 8, 8)");
    expect(ansiSpans(`${ESC}[38;2;1;2;3mx`)[0]?.color).toMatch(/^rgb\(1, ?2, ?3\)$/);
  });
  it("keeps markup inside coloured text as text", () => {
    expect(ansiSpans(`${ESC}[32m<b>${ESC}[0m`)[0]?.text).toBe("<b>");
  });
  it("drops cursor movement and titles", () => {
    expect(plainText(`${ESC}]0;title\u0007${ESC}[2Kdone`)).toBe("done");
    expect(ansiSpans(`${ESC}[2K${ESC}[1Aok`)[0]?.text).toBe("ok");
  });
  it("shows no more of a line than asked for", () => {
    expect(ansiSpans("x".repeat(LINE_LENGTH_MAX + 5), LINE_LENGTH_MAX)[0]?.text.length).toBe(LINE_LENGTH_MAX);
  });
});

describe("afterReturns", () => {
  it("shows what a terminal would: the last state of a progress line", () => {
    expect(afterReturns("10%\r50%\r100%")).toBe("100%");
    expect(afterReturns("windows line\r")).toBe("windows line");
  });
});

describe("markedSpans", () => {
  const cut = (line: string, needle: string) =>
    markedSpans(ansiSpans(line), needle).map((span) => [span.text, span.hit]);
  it("marks every occurrence, whatever the case", () => {
    expect(cut("an Error, error", "ERROR")).toEqual([
      ["an ", false],
      ["Error", true],
      [", ", false],
      ["error", true],
    ]);
    expect(cut("aaa", "a")).toEqual([
      ["a", true],
      ["a", true],
      ["a", true],
    ]);
    expect(cut("none", "")).toEqual([["none", false]]);
  });
  it("marks across colours and keeps them", () => {
    const spans = markedSpans(ansiSpans(`ab${ESC}[31mcd${ESC}[0me`), "bc");
    expect(spans.map((span) => [span.text, span.hit, span.className])).toEqual([
      ["a", false, ""],
      ["b", true, ""],
      ["c", true, "ansi-red"],
      ["d", false, "ansi-red"],
      ["e", false, ""],
    ]);
  });
});
