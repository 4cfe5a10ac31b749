/** Shortcuts as text: `g r` is g, then r; `mod+k` is Ctrl K, or Cmd K on a Mac. Pure: keys are handed in. */

/** What of a key event decides. */
export interface Stroke {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** A sequence is forgotten when the next key does not come within this time. */
export const SEQUENCE_MS = 1_200;

/** One stroke as it is written in a shortcut; undefined for keys that only modify others. */
export function strokeText(stroke: Stroke): string | undefined {
  if (["Shift", "Control", "Meta", "Alt", "AltGraph", "CapsLock"].includes(stroke.key)) return undefined;
  const key = stroke.key === " " ? "space" : stroke.key.length === 1 ? stroke.key : stroke.key.toLowerCase();
  if (stroke.ctrlKey || stroke.metaKey) return `mod+${key.toLowerCase()}`;
  return stroke.altKey ? `alt+${key}` : key;
}

export interface Typed {
  strokes: readonly string[];
  at: number;
}

export const NOTHING_TYPED: Typed = { strokes: [], at: 0 };

/** What a stroke comes to: a whole shortcut, the start of one, or nothing. */
export function advance(
  typed: Typed,
  stroke: string,
  now: number,
  shortcuts: readonly string[],
): { typed: Typed; done: string | undefined } {
  const before = now - typed.at <= SEQUENCE_MS ? typed.strokes : [];
  // What was begun may not go on with this key; then the key may begin anew.
  for (const strokes of before.length > 0 ? [[...before, stroke], [stroke]] : [[stroke]]) {
    const text = strokes.join(" ");
    if (shortcuts.includes(text)) return { typed: NOTHING_TYPED, done: text };
    if (shortcuts.some((one) => one.startsWith(`${text} `))) {
      return { typed: { strokes, at: now }, done: undefined };
    }
  }
  return { typed: NOTHING_TYPED, done: undefined };
}

/** The keys of a shortcut as a reader knows them, one list per stroke. */
export function keyNames(shortcut: string, mac: boolean): string[][] {
  const names: Record<string, string> = {
    mod: mac ? "⌘" : "Ctrl",
    alt: mac ? "⌥" : "Alt",
    escape: "Esc",
    space: "Space",
  };
  return shortcut.split(" ").map((stroke) => {
    const parts = stroke === "+" ? ["+"] : stroke.split("+");
    return parts.map(
      (part) => names[part] ?? (parts.length > 1 && part.length === 1 ? part.toUpperCase() : part),
    );
  });
}
