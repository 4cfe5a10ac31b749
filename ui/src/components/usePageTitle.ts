/** Names the window after the page's heading, and reads the heading out when the page changes. */

import { type RefObject, useEffect, useState } from "react";

const HUB = "Experiment Hub";
/** The heading, or that of a page that says what is missing. */
const HEADING = "h1, .empty h2";

/** The current page's heading, for a screen reader; empty until there is one. */
export function usePageTitle(main: RefObject<HTMLElement | null>, path: string): string {
  const [title, setTitle] = useState("");
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page has a new heading
  useEffect(() => {
    const host = main.current;
    if (!host) return;
    let heading: Element | null = null;
    const read = () => {
      const text = heading?.textContent?.trim() ?? "";
      if (text === "") return;
      document.title = `${text} · ${HUB}`;
      setTitle(text);
    };
    const names = new MutationObserver(read);
    // Pages are loaded when needed, so the heading comes some time after the address.
    const waiting = new MutationObserver(() => {
      if (heading?.isConnected) return;
      const found = host.querySelector(HEADING);
      if (!found) return;
      heading = found;
      names.disconnect();
      names.observe(found, { childList: true, characterData: true, subtree: true });
      read();
    });
    waiting.observe(host, { childList: true, subtree: true });
    heading = null;
    const first = host.querySelector(HEADING);
    if (first) {
      heading = first;
      names.observe(first, { childList: true, characterData: true, subtree: true });
      read();
    }
    return () => {
      waiting.disconnect();
      names.disconnect();
    };
  }, [main, path]);
  return title;
}
