/** A layout kept in this browser, for pages that have no saved views. */

import { useState } from "react";

export function useKeptLayout(name: string): [unknown, (layout: unknown) => void] {
  const key = `mlhub.layout.${name}`;
  const [layout, setLayout] = useState<unknown>(() => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null");
    } catch {
      return null; // Storage is switched off, or holds something else.
    }
  });
  const keep = (next: unknown) => {
    setLayout(next);
    try {
      localStorage.setItem(key, JSON.stringify(next));
    } catch {
      // Storage is switched off; the layout lasts for the page.
    }
  };
  return [layout, keep];
}
