/**
 * Keys typed between the opening of the palette and the focus of its field. The palette is loaded when it is
 * first asked for, and nobody waits for that before typing: the keys are held and handed over.
 */

import { type KeysAhead, NO_KEYS, withKey } from "~/model/keysAhead";

/** A palette that is not there by then is not coming, such as when its part of the page cannot be loaded. */
const HELD_MS_MAX = 10_000;

let held = NO_KEYS;
let since: number | undefined;

function release(): KeysAhead {
  window.removeEventListener("keydown", onKey, true);
  const keys = held;
  held = NO_KEYS;
  since = undefined;
  return keys;
}

function onKey(event: KeyboardEvent): void {
  if (since === undefined || performance.now() - since > HELD_MS_MAX) {
    release();
    return;
  }
  const next = withKey(held, event);
  if (!next) return;
  held = next;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** Holds what is typed from now on. */
export function holdKeys(): void {
  if (since !== undefined) return;
  since = performance.now();
  window.addEventListener("keydown", onKey, true);
}

/** What was typed; from now on keys go where the focus is. */
export function takeKeys(): KeysAhead {
  return release();
}
