import { describe, expect, it } from "vitest";
import {
  configureFormat,
  DEFAULT_FORMAT,
  formatAge,
  formatAgo,
  formatBytes,
  formatCount,
  formatDuration,
  formatFixed,
  formatMeanStd,
  formatNumber,
  formatTime,
  plural,
  runDuration,
  shortHash,
} from "./format";

describe("formatNumber", () => {
  it.each([
    [0.123456, "0.1235"],
    [-0.5, "−0.5"],
    [123456.789, "123500"],
    [1234567, "1\u202f234\u202f567"],
    [0.0000123, "1.23e−5"],
    [3e12, "3e12"],
    [0, "0"],
    [-0, "0"],
    ["NaN", "NaN"],
    ["Infinity", "∞"],
    ["-Infinity", "−∞"],
    [null, "–"],
    [undefined, "–"],
  ] as const)("%s reads %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it("keeps four digits of every magnitude it writes plainly", () => {
    for (let exponent = -4; exponent < 7; exponent += 1) {
      const value = 1.23456 * 10 ** exponent;
      expect(Number(formatNumber(value).replaceAll("\u202f", ""))).toBeCloseTo(value, 3 - exponent);
    }
  });
});

describe("formatFixed", () => {
  it("keeps trailing zeros so that a column aligns", () => {
    expect(formatFixed(0.5)).toBe("0.5000");
    expect(formatFixed(12.5)).toBe("12.50");
    expect(formatFixed(360)).toBe("360");
    expect(formatFixed("NaN")).toBe("NaN");
  });
});

describe("formatMeanStd", () => {
  it("joins mean and deviation, or leaves the deviation out", () => {
    expect(formatMeanStd(0.9635, 0.00651)).toBe("0.9635 ± 0.0065");
    expect(formatMeanStd(0.9635, undefined)).toBe("0.9635");
    expect(formatMeanStd(undefined, 1)).toBe("–");
  });
});

describe("times", () => {
  it.each([
    [840, "840ms"],
    [5_250, "5.3s"],
    [59_999, "59s"],
    [61_000, "1m 01s"],
    [3_840_000, "1h 04m"],
    [90_000_000, "1d 01h"],
    [undefined, "–"],
  ])("duration %s reads %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("ages by the largest unit", () => {
    const now = 1_000_000_000_000;
    expect(formatAge(now - 3_000, now)).toBe("now");
    expect(formatAge(now - 300_000, now)).toBe("5m");
    expect(formatAge(now - 86_400_000 * 12, now)).toBe("12d");
    expect(formatAge(now - 86_400_000 * 800, now)).toBe("2y");
    expect(formatAge(now + 60_000, now)).toBe("now");
    expect(formatAgo(now - 3_000, now)).toBe("just now");
    expect(formatAgo(now - 300_000, now)).toBe("5m ago");
  });

  it("counts a running run up to now and an unstarted one not at all", () => {
    expect(runDuration({ started_at: 100, ended_at: null }, 350)).toBe(250);
    expect(runDuration({ started_at: 100, ended_at: 200 }, 350)).toBe(100);
    expect(runDuration({ started_at: null, ended_at: null }, 350)).toBeUndefined();
  });
});

describe("small texts", () => {
  it("writes bytes, counts, plurals and hashes", () => {
    expect(formatBytes(1023)).toBe("1023 B");
    expect(formatBytes(1536)).toBe("1.5 KiB");
    expect(formatCount(1234)).toBe("1234");
    expect(plural(1, "run")).toBe("1 run");
    expect(plural(0, "run")).toBe("0 runs");
    expect(shortHash("v1:abcdef0123456789")).toBe("abcdef012345");
    expect(shortHash(null)).toBe("–");
  });
});

describe("the reader's choice", () => {
  it("sets digits and time zone, and is taken back", () => {
    configureFormat({ digits: 6, utc: true });
    expect(formatNumber(Math.PI)).toBe("3.14159");
    expect(formatTime(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe("2026-01-02 03:04:05Z");
    configureFormat(DEFAULT_FORMAT);
    expect(formatNumber(Math.PI)).toBe("3.142");
    expect(formatTime(0)).not.toContain("Z");
  });
});
