/** Keeps the reader's settings in this browser and applies what concerns the whole document. */

import { useSyncExternalStore } from "react";
import { configureFormat } from "~/model/format";
import { readSettings, type Settings } from "~/model/settings";
import { readStored, writeStored } from "./storage";

const STORAGE_KEY = "mlhub.settings";
const listeners = new Set<() => void>();

let chosen: Settings = readSettings(readStored(STORAGE_KEY));

/** Sets density and number format on the document; called once at the start and at each change. */
export function applySettings(): void {
  document.documentElement.dataset.density = chosen.density;
  configureFormat({ digits: chosen.digits, utc: chosen.timeZone === "utc" });
  for (const listener of listeners) listener();
}

export function changeSettings(change: Partial<Settings>): void {
  chosen = { ...chosen, ...change };
  writeStored(STORAGE_KEY, JSON.stringify(chosen));
  applySettings();
}

export function currentSettings(): Settings {
  return chosen;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, currentSettings);
}
