import { describe, expect, it } from "vitest";
import { advance, keyNames, NOTHING_TYPED, SEQUENCE_MS, strokeText } from "./keys";

const plain = { ctrlKey: false, metaKey: false, altKey: false };
const ALL = ["?", "g r", "g d", "mod+k", "r"];

describe("shortcuts", () => {
  it("write a stroke as its key with what is held", () => {
    expect(strokeText({ ...plain, key: "?" })).toBe("?");
    expect(strokeText({ ...plain, key: "K", metaKey: true })).toBe("mod+k");
    expect(strokeText({ ...plain, key: "Escape" })).toBe("escape");
    expect(strokeText({ ...plain, key: "Shift" })).toBeUndefined();
  });
  it("know a sequence only when it is typed in time", () => {
    const begun = advance(NOTHING_TYPED, "g", 1_000, ALL);
    expect(begun.done).toBeUndefined();
    expect(advance(begun.typed, "d", 1_000 + SEQUENCE_MS, ALL).done).toBe("g d");
    expect(advance(begun.typed, "d", 1_001 + SEQUENCE_MS, ALL).done).toBeUndefined();
    expect(advance(begun.typed, "r", 1_001 + SEQUENCE_MS, ALL).done).toBe("r");
  });
  it("begin anew with a key that does not go on", () => {
    const begun = advance(NOTHING_TYPED, "g", 0, ALL);
    expect(advance(begun.typed, "?", 10, ALL).done).toBe("?");
    const again = advance(begun.typed, "g", 10, ALL);
    expect(advance(again.typed, "r", 20, ALL).done).toBe("g r");
  });
  it("are named as on the keyboard", () => {
    expect(keyNames("g r", false)).toEqual([["g"], ["r"]]);
    expect(keyNames("mod+k", false)).toEqual([["Ctrl", "K"]]);
    expect(keyNames("mod+k", true)).toEqual([["⌘", "K"]]);
  });
});
