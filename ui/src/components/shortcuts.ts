/**
 * The shortcuts of the page and of the frame: one registry, one listener. What is registered is what the help
 * sheet and the command palette list. Single keys do nothing while someone types or when switched off.
 */

import { useEffect, useRef, useSyncExternalStore } from "react";
import { advance, NOTHING_TYPED, strokeText } from "~/model/keys";
import { isTyping } from "./hooks";
import { currentSettings } from "./settings";

export interface Shortcut {
  /** As in model/keys: `g r`, `mod+k`, `?`. */
  keys: string;
  label: string;
  /** Under what the help sheet lists it. */
  group: string;
}

interface Entry extends Shortcut {
  run: () => void;
}

let entries: readonly Entry[] = [];
let typed = NOTHING_TYPED;
const listeners = new Set<() => void>();

function set(next: readonly Entry[]): void {
  entries = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** All shortcuts that do something now. */
export function useShortcutList(): readonly Shortcut[] {
  return useSyncExternalStore(subscribe, () => entries);
}

/** Registers shortcuts while the component is shown; the handlers may change freely. */
export function useShortcuts(shortcuts: readonly (Shortcut & { run: () => void })[]): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  const what = shortcuts.map(({ keys, label, group }) => `${keys}\t${label}\t${group}`).join("\n");
  useEffect(() => {
    if (what === "") return;
    const mine = what.split("\n").map((line, at): Entry => {
      const [keys = "", label = "", group = ""] = line.split("\t");
      return { keys, label, group, run: () => latest.current[at]?.run() };
    });
    set([...entries, ...mine]);
    return () => set(entries.filter((entry) => !mine.includes(entry)));
  }, [what]);
}

function onKey(event: KeyboardEvent): void {
  const stroke = strokeText(event);
  if (stroke === undefined || event.defaultPrevented) return;
  const held = stroke.startsWith("mod+");
  if (!held && (isTyping(event.target) || !currentSettings().shortcuts || overlayIsOpen())) return;
  const step = advance(
    typed,
    stroke,
    Date.now(),
    entries.map((entry) => entry.keys),
  );
  typed = step.typed;
  if (step.done === undefined) return;
  event.preventDefault();
  // The newest wins: a page may take a key of the frame.
  entries.findLast((entry) => entry.keys === step.done)?.run();
}

/** A dialog or menu over the page has the keys. */
function overlayIsOpen(): boolean {
  return document.querySelector("[data-overlay]") !== null;
}

/** The one listener, for as long as the frame is there. */
export function useShortcutListener(): void {
  useEffect(() => {
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
