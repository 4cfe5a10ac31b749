/** What of a scrolling box is on screen, in steps, so that a table is drawn anew only when rows come. */

import { type RefObject, useCallback, useEffect, useState } from "react";

export interface Viewport {
  top: number;
  left: number;
  width: number;
  height: number;
}

/** Scrolling within a step draws nothing. */
const STEP_Y = 68;
const STEP_X = 80;

function same(a: Viewport, b: Viewport): boolean {
  return a.top === b.top && a.left === b.left && a.width === b.width && a.height === b.height;
}

export function useViewport(ref: RefObject<HTMLElement | null>): [Viewport, () => void] {
  const [viewport, setViewport] = useState<Viewport>({ top: 0, left: 0, width: 1200, height: 800 });
  const read = useCallback(() => {
    const box = ref.current;
    if (!box) return;
    const next = {
      top: Math.floor(box.scrollTop / STEP_Y) * STEP_Y,
      left: Math.floor(box.scrollLeft / STEP_X) * STEP_X,
      width: box.clientWidth,
      height: box.clientHeight,
    };
    setViewport((before) => (same(before, next) ? before : next));
  }, [ref]);
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const observer = new ResizeObserver(read);
    observer.observe(box);
    return () => observer.disconnect();
  }, [ref, read]);
  return [viewport, read];
}
