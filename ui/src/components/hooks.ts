/** Small hooks: the clock, being on screen, keys. */

import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import { unlessScrolling } from "./scrolling";
import { currentSettings } from "./settings";

/** The time, ticking only while something that moves is shown. */
export function useNow(ticking: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), ticking ? 1_000 : 30_000);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}

/** Pixels beyond the window's edges within which an element counts as on screen. */
const NEAR = 160;

/** Whether the element is within the window, or near it; boxes that scroll inside of it are not looked at. */
function isInWindow(element: Element): boolean {
  const { top, bottom, left, right } = element.getBoundingClientRect();
  const isNear = bottom >= -NEAR && top <= window.innerHeight + NEAR;
  return isNear && right >= -NEAR && left <= window.innerWidth + NEAR;
}

/** Whether the element is on screen or near it; what flies past in a fast scroll is not. */
export function useOnScreen<E extends Element>(): [RefObject<E | null>, boolean] {
  const ref = useRef<E>(null);
  const [shown, setShown] = useState(false);
  // The observer tells a frame later, which is one frame more until something is drawn.
  useLayoutEffect(() => {
    const element = ref.current;
    if (element && isInWindow(element)) return unlessScrolling(() => setShown(true));
  }, []);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    let takeBack = () => {};
    const observer = new IntersectionObserver(
      (entries) => {
        const near = entries.at(-1)?.isIntersecting ?? false;
        takeBack();
        takeBack = unlessScrolling(() => setShown(near));
      },
      { rootMargin: `${NEAR}px` },
    );
    observer.observe(element);
    return () => {
      takeBack();
      observer.disconnect();
    };
  }, []);
  return [ref, shown];
}

/** The width of an element's content in CSS pixels, as its observers are told. */
function contentWidth(element: Element): number {
  const style = getComputedStyle(element);
  const outer = element.getBoundingClientRect().width;
  const edges = [style.paddingLeft, style.paddingRight, style.borderLeftWidth, style.borderRightWidth];
  return edges.reduce((width, edge) => width - (Number.parseFloat(edge) || 0), outer);
}

/** The width of an element in CSS pixels. */
export function useWidth<E extends Element>(ref: RefObject<E | null>): number {
  const [width, setWidth] = useState(0);
  // Known before the first frame: what depends on it need not wait for the second.
  useLayoutEffect(() => {
    if (ref.current) setWidth(Math.round(contentWidth(ref.current)));
  }, [ref]);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}

/** Whether keys go into a field. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

/**
 * Calls the handler for a key pressed outside of text fields, unless shortcuts are switched off. It is in no
 * list: what a reader should find in the help sheet is registered with `useShortcuts` or `usePageActions`.
 */
export function useKey(key: string, handler: () => void): void {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== key || event.metaKey || event.ctrlKey || event.altKey) return;
      if (key !== "Escape" && (isTyping(event.target) || !currentSettings().shortcuts)) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [key]);
}
