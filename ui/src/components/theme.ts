/** Keeps the chosen colour scheme and sets it on the document. */

import { useSyncExternalStore } from "react";
import { readTheme, resolveTheme, type Theme } from "~/model/theme";

const STORAGE_KEY = "mlhub.theme";
const media = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function stored(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null; // Storage is switched off; the choice lasts for the page.
  }
}

let chosen: Theme = readTheme(stored());

export function applyTheme(): void {
  document.documentElement.dataset.theme = resolveTheme(chosen, media.matches);
  for (const listener of listeners) listener();
}

media.addEventListener("change", applyTheme);

export function setTheme(theme: Theme): void {
  chosen = theme;
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // As above.
  }
  applyTheme();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The choice. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, () => chosen);
}

/** What the choice comes to; charts draw anew when it changes. */
export function useResolvedTheme(): string {
  return useSyncExternalStore(subscribe, () => document.documentElement.dataset.theme ?? "light");
}
