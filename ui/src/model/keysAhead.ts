/** Keys typed after something was opened and before its field has the focus: what they come to. Pure. */

export interface KeysAhead {
  text: string;
  /** Enter was pressed after the text: nothing typed later belongs to it. */
  entered: boolean;
}

export const NO_KEYS: KeysAhead = { text: "", entered: false };

/** What of a key event decides. */
export interface AheadKey {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  isComposing: boolean;
}

/** The keys with one more; undefined for one that is not of a text and goes its own way. */
export function withKey(held: KeysAhead, event: AheadKey): KeysAhead | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return undefined;
  const { key } = event;
  if (key === "Enter") return { ...held, entered: held.text.trim() !== "" };
  if (key !== "Backspace" && [...key].length !== 1) return undefined;
  if (held.entered) return held;
  return { ...held, text: key === "Backspace" ? [...held.text].slice(0, -1).join("") : held.text + key };
}
