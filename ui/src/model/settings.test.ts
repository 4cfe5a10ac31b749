import { describe, expect, it } from "vitest";
import { DEFAULT_SETTINGS, DIGITS_MAX, readSettings } from "./settings";

describe("settings", () => {
  it("are the defaults when nothing or nonsense is stored", () => {
    for (const text of [null, undefined, "", "{", "[]", "7", '"x"', '{"density":"huge","digits":"four"}']) {
      expect(readSettings(text)).toEqual(DEFAULT_SETTINGS);
    }
  });
  it("come back as they were stored", () => {
    const chosen = {
      ...DEFAULT_SETTINGS,
      density: "comfortable",
      digits: 6,
      shortcuts: false,
      timeZone: "utc",
    };
    expect(readSettings(JSON.stringify(chosen))).toEqual(chosen);
  });
  it("stay within what can be shown", () => {
    expect(readSettings('{"digits":99}').digits).toBe(DIGITS_MAX);
    expect(readSettings('{"digits":-1}').digits).toBe(3);
  });
});
