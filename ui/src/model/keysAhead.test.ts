import { describe, expect, it } from "vitest";
import { type KeysAhead, NO_KEYS, withKey } from "./keysAhead";

const plain = { ctrlKey: false, metaKey: false, altKey: false, isComposing: false };

function typed(keys: readonly string[]): KeysAhead {
  return keys.reduce((held, key) => withKey(held, { ...plain, key }) ?? held, NO_KEYS);
}

describe("keys ahead", () => {
  it("are gathered as the field would have shown them", () => {
    expect(typed(["w", "a", " ", "x", "Backspace", "ö", "😀"])).toEqual({ text: "wa ö😀", entered: false });
  });
  it("end with Enter, which nothing before it means nothing", () => {
    expect(typed(["Enter", "a", "Enter", "b", "Backspace"])).toEqual({ text: "a", entered: true });
    expect(typed(["Enter"])).toEqual(NO_KEYS);
  });
  it("are not those of commands, of other keys, or of unfinished characters", () => {
    for (const key of ["Escape", "ArrowDown", "Shift", "Tab", "F1"])
      expect(withKey(NO_KEYS, { ...plain, key })).toBeUndefined();
    expect(withKey(NO_KEYS, { ...plain, key: "k", ctrlKey: true })).toBeUndefined();
    expect(withKey(NO_KEYS, { ...plain, key: "a", isComposing: true })).toBeUndefined();
  });
});
