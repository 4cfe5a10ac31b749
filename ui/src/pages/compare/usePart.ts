/**
 * Links to a part of the page. Parts above it are drawn as they come near the screen and would push it away:
 * it is held where it belongs until the reader moves the page.
 */

import { type RefObject, useEffect } from "react";

const LET_GO = ["wheel", "touchmove", "keydown", "pointerdown"] as const;

export function usePart(parts: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const host = parts.current;
    if (!host) return;
    let target: HTMLElement | null = null;
    const hold = () => target?.scrollIntoView();
    const take = () => {
      const id = window.location.hash.slice(1);
      target = id === "" ? null : document.getElementById(id);
      hold();
    };
    const letGo = () => {
      target = null;
    };
    const observer = new ResizeObserver(hold);
    observer.observe(host);
    window.addEventListener("hashchange", take);
    for (const event of LET_GO) window.addEventListener(event, letGo, { passive: true });
    take();
    return () => {
      observer.disconnect();
      window.removeEventListener("hashchange", take);
      for (const event of LET_GO) window.removeEventListener(event, letGo);
    };
  }, [parts]);
}
