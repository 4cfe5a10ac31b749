/** What is on screen: what the address says, else both panes where there is room for them. */

import { useSyncExternalStore } from "react";
import type { Show } from "~/model/search";

const ROOMY = "(min-width: 1080px)";

function subscribe(listener: () => void): () => void {
  const media = window.matchMedia(ROOMY);
  media.addEventListener("change", listener);
  return () => media.removeEventListener("change", listener);
}

export function useShow(chosen: Show | undefined, tableOnly: boolean): Show {
  const roomy = useSyncExternalStore(subscribe, () => window.matchMedia(ROOMY).matches);
  if (tableOnly) return "table";
  return chosen ?? (roomy ? "both" : "table");
}
