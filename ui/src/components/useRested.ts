/** A value kept elsewhere (the address, a draft) that a hand moves: shown at once, written when the hand rests. */

import { useEffect, useRef, useState } from "react";

const REST_MS = 250;

/** `value` is the one kept, and must be the same object while it says the same. */
export function useRested<T>(value: T, write: (value: T) => void): [T, (value: T) => void] {
  const [own, setOwn] = useState<{ value: T }>();
  const latest = useRef(write);
  latest.current = write;
  useEffect(() => {
    if (!own) return;
    const timer = setTimeout(() => latest.current(own.value), REST_MS);
    return () => clearTimeout(timer);
  }, [own]);
  // What is kept now was written here, or is newer.
  // biome-ignore lint/correctness/useExhaustiveDependencies: when something else is kept
  useEffect(() => setOwn(undefined), [value]);
  return [own ? own.value : value, (next) => setOwn({ value: next })];
}
