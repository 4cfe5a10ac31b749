import { describe, expect, it } from "vitest";
import {
  append,
  lineAt,
  lineNumber,
  lineStarts,
  offsetAt,
  openWindow,
  placesOf,
  prepend,
  WINDOW_BYTES_MAX,
  windowLines,
} from "./logs";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);
const piece = (offset: number, content: string, size = offset + content.length) => ({
  offset,
  size,
  bytes: bytes(content),
});

describe("log window", () => {
  it("grows at both ends", () => {
    let window = openWindow(piece(10, "b\nc\n", 14));
    window = append(window, piece(14, "d\n"));
    window = prepend(window, piece(6, "xx\na"));
    expect([window.start, window.end, window.size]).toEqual([6, 16, 16]);
    expect(text(window.bytes)).toBe("xx\nab\nc\nd\n");
  });
  it("takes only the new part of an overlapping piece, and none after a hole", () => {
    const window = openWindow(piece(0, "abcd"));
    expect(text(append(window, piece(2, "cdef")).bytes)).toBe("abcdef");
    expect(append(window, piece(9, "zz")).end).toBe(4);
    expect(append(window, piece(9, "zz")).size).toBe(11);
    expect(text(prepend(openWindow(piece(4, "ef")), piece(0, "abcdef")).bytes)).toBe("abcdef");
  });
  it("stays within its bound and drops the far end", () => {
    const full = openWindow({ offset: 0, size: WINDOW_BYTES_MAX, bytes: new Uint8Array(WINDOW_BYTES_MAX) });
    const more = append(full, piece(WINDOW_BYTES_MAX, "tail"));
    expect([more.bytes.length, more.start]).toEqual([WINDOW_BYTES_MAX, 4]);
    const later = openWindow({ offset: 9, size: 99, bytes: new Uint8Array(WINDOW_BYTES_MAX) });
    const older = prepend(later, piece(5, "head"));
    expect([older.bytes.length, older.start, older.end]).toEqual([WINDOW_BYTES_MAX, 5, 5 + WINDOW_BYTES_MAX]);
  });
  it("splits lines; a first line that was cut is left out", () => {
    expect(windowLines(openWindow(piece(0, "a\n\nb\n")))).toEqual(["a", "", "b"]);
    expect(windowLines(openWindow(piece(5, "ut line\nb")))).toEqual(["b"]);
    expect(windowLines(openWindow(piece(5, "endless")))).toEqual(["endless"]);
    expect(windowLines(openWindow(piece(0, "")))).toEqual([]);
  });
  it("decodes characters that two pieces share", () => {
    const all = bytes("naïve\n");
    const first = openWindow({ offset: 0, size: all.length, bytes: all.subarray(0, 3) });
    const whole = append(first, { offset: 3, size: all.length, bytes: all.subarray(3) });
    expect(windowLines(whole)).toEqual(["naïve"]);
  });
  it("counts lines from the start of the stream, also after the oldest were dropped", () => {
    const head = `${"x".repeat(99)}\n`.repeat(WINDOW_BYTES_MAX / 100);
    const window = append(openWindow(piece(0, head)), piece(head.length, "y\n".repeat(100)));
    expect(window.start).toBeGreaterThan(0);
    const last = lineStarts(window).length - 1;
    expect(lineNumber(window, last)).toBe(Math.floor(WINDOW_BYTES_MAX / 100) + 100);
    expect(lineNumber(openWindow(piece(7, "a\nb\n")), 0)).toBeUndefined();
  });
});

describe("offsets of lines", () => {
  it("finds the line of an offset and the offset of a line", () => {
    const window = openWindow(piece(100, "cut\nab\ncd\n"));
    const starts = lineStarts(window);
    expect(starts.map((at) => offsetAt(window, at))).toEqual([104, 107]);
    expect([103, 104, 106, 107, 999].map((offset) => lineAt(window, starts, offset))).toEqual([
      -1, 0, 0, 1, 1,
    ]);
  });
  it("steps over what is not kept: the marker stands for all of it", () => {
    const marker = "\n[mlhub: 1000 bytes of output are not kept]\n";
    const gap = { offset: 10, next: 1015, size: 1015, bytes: bytes(`${marker}tail\n`) };
    const window = append(openWindow(piece(0, "0123456789", 1015)), gap);
    expect([window.start, window.end]).toEqual([0, 1015]);
    expect(windowLines(window)).toEqual(["0123456789", marker.trim(), "tail"]);
    const starts = lineStarts(window);
    expect(offsetAt(window, starts[2] ?? 0)).toBe(1010);
    // Read from within the gap, it begins where the gap does.
    const inside = openWindow({ ...gap, offset: 500 });
    expect(inside.start).toBe(10);
    expect(windowLines(prepend(inside, piece(0, "0123456789", 1015)))).toEqual(windowLines(window));
    expect(text(prepend(openWindow(piece(1010, "tail\n")), { ...gap, offset: 700 }).bytes)).toBe(
      `${marker}tail\n`,
    );
  });
  it("places evidence by the last lines that say it", () => {
    const window = openWindow(piece(0, "Error\nx\nTraceback\n  line\nError\n"));
    expect(placesOf(window, ["Traceback", "Error", "absent"])).toEqual([8, 25, undefined]);
  });
});
