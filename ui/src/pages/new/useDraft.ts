/** The text being written, kept in the tab's storage so that a reload loses nothing. */

import { useCallback, useEffect, useState } from "react";

export interface Draft {
  text: string;
  /** The folder its paths start at; empty for one of the hub's own. */
  folder: string;
}

function read(key: string): Draft | undefined {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(key) ?? "null");
    if (typeof stored !== "object" || stored === null) return undefined;
    const { text, folder } = stored as { text?: unknown; folder?: unknown };
    return typeof text === "string" ? { text, folder: typeof folder === "string" ? folder : "" } : undefined;
  } catch {
    return undefined;
  }
}

/** A draft by its origin. `start` is what it begins as, and what starting over brings back. */
export function useDraft(origin: string, start: string) {
  const key = `mlhub.new.${origin}`;
  const [draft, setDraft] = useState<Draft>(() => read(key) ?? { text: start, folder: "" });
  useEffect(() => {
    try {
      if (draft.text === start && draft.folder === "") sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(draft));
    } catch {
      // Storage is full or forbidden: the draft lives as long as the page.
    }
  }, [key, draft, start]);
  const setText = useCallback((text: string) => setDraft((old) => ({ ...old, text })), []);
  /** Changes the text as it stands then: several changes of one moment add up. */
  const edit = useCallback(
    (change: (text: string) => string) => setDraft((old) => ({ ...old, text: change(old.text) })),
    [],
  );
  const setFolder = useCallback((folder: string) => setDraft((old) => ({ ...old, folder })), []);
  const reset = useCallback(() => setDraft({ text: start, folder: "" }), [start]);
  return { draft, setText, edit, setFolder, reset, isChanged: draft.text !== start };
}

/** The value as it was when it last stood still for a moment. */
export function useSettled<T>(value: T, pauseMs: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), pauseMs);
    return () => clearTimeout(timer);
  }, [value, pauseMs]);
  return settled;
}
