import { describe, expect, it } from "vitest";
import { append, openWindow, prepend, WINDOW_BYTES_MAX, windowLines } from "./logs";
import { patchLines } from "./patch";
import { previewText, textual } from "./preview";

const bytes = (text: string) => new TextEncoder().encode(text);
const piece = (offset: number, text: string, size = offset + text.length) => ({
  offset,
  size,
  bytes: bytes(text),
});

describe("log window", () => {
  it("grows at both ends", () => {
    let window = openWindow(piece(10, "b\nc\n", 14));
    window = append(window, piece(14, "d\n"));
    window = prepend(window, piece(6, "xx\na"));
    expect([window.start, window.end, window.size]).toEqual([6, 16, 16]);
    expect(new TextDecoder().decode(window.bytes)).toBe("xx\nab\nc\nd\n");
  });
  it("takes only the new part of an overlapping piece, and none after a hole", () => {
    const window = openWindow(piece(0, "abcd"));
    expect(new TextDecoder().decode(append(window, piece(2, "cdef")).bytes)).toBe("abcdef");
    expect(append(window, piece(9, "zz")).end).toBe(4);
    expect(append(window, piece(9, "zz")).size).toBe(11);
  });
  it("stays within its bound and drops the oldest bytes", () => {
    const full = openWindow({ offset: 0, size: WINDOW_BYTES_MAX, bytes: new Uint8Array(WINDOW_BYTES_MAX) });
    const more = append(full, piece(WINDOW_BYTES_MAX, "tail"));
    expect(more.bytes.length).toBe(WINDOW_BYTES_MAX);
    expect(more.start).toBe(4);
  });
  it("splits lines; a first line that was cut is left out", () => {
    expect(windowLines(openWindow(piece(0, "a\nb\n")))).toEqual(["a", "b"]);
    expect(windowLines(openWindow(piece(5, "ut line\nb")))).toEqual(["b"]);
    expect(windowLines(openWindow(piece(0, "")))).toEqual([]);
  });
  it("decodes characters that two pieces share", () => {
    const all = bytes("naïve\n");
    const first = openWindow({ offset: 0, size: all.length, bytes: all.subarray(0, 3) });
    const whole = append(first, { offset: 3, size: all.length, bytes: all.subarray(3) });
    expect(windowLines(whole)).toEqual(["naïve"]);
  });
});

describe("patch", () => {
  it("tells heads, hunks, additions and removals apart", () => {
    const patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n same\n--- not a head\n";
    expect(patchLines(patch).map((line) => line.kind)).toEqual([
      "file",
      "file",
      "file",
      "hunk",
      "removed",
      "added",
      "context",
      "removed",
    ]);
  });
});

describe("preview", () => {
  it("goes by the name and never fails on content", () => {
    expect(textual("a/b.csv")).toBe(true);
    expect(textual("model.bin")).toBe(false);
    expect(previewText("a.json", '{"a":1}', false)).toBe('{\n  "a": 1\n}');
    expect(previewText("a.json", '{"a":', true)).toBe('{"a":');
    expect(previewText("a.json", "not json", false)).toBe("not json");
  });
});
