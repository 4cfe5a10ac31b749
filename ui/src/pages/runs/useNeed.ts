/** Tells what of the answer is on screen; while the reader scrolls far, only where they come to rest. */

import { useEffect, useRef } from "react";
import type { Need } from "./useBlocks";

/** Rest after which what came on screen is fetched. */
const REST_MS = 90;

export function useNeed(need: Need, change: (need: Need) => void): void {
  const text = JSON.stringify(need);
  const told = useRef(text);
  const latest = useRef(change);
  latest.current = change;
  useEffect(() => {
    if (told.current === text) return;
    const tell = () => {
      told.current = text;
      latest.current(JSON.parse(text) as Need);
    };
    const timer = setTimeout(tell, REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
}
