/** Messages that lie over the page for a while. Anything important is also somewhere that stays. */

import { useSyncExternalStore } from "react";

export interface Toast {
  text: string;
  tone?: "" | "good" | "bad";
  /** Where it leads. */
  link?: string;
  linkText?: string;
}

export interface ShownToast extends Toast {
  id: number;
}

/** Messages shown at once; older ones make room. */
const SHOWN_MAX = 4;

let shown: readonly ShownToast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(toasts: readonly ShownToast[]): void {
  shown = toasts;
  for (const listener of listeners) listener();
}

export function showToast(toast: Toast): void {
  set([...shown, { ...toast, id: next }].slice(-SHOWN_MAX));
  next += 1;
}

export function closeToast(id: number): void {
  set(shown.filter((toast) => toast.id !== id));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useToasts(): readonly ShownToast[] {
  return useSyncExternalStore(subscribe, () => shown);
}
