/** Keeps the chosen colour scheme and sets it on the document. */

import { useSyncExternalStore } from "react";
import { readTheme, resolveTheme, type Theme } from "~/model/theme";
import { readStored, writeStored } from "./storage";

const STORAGE_KEY = "mlhub.theme";
const media = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

let chosen: Theme = readTheme(readStored(STORAGE_KEY));

export function applyTheme(): void {
  document.documentElement.dataset.theme = resolveTheme(chosen, media.matches);
  for (const listener of listeners) listener();
}

media.addEventListener("change", applyTheme);

export function setTheme(theme: Theme): void {
  chosen = theme;
  writeStored(STORAGE_KEY, theme);
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
