/** What can be done on the current page: a page tells it here, the command palette and the help sheet list it. */

import { useEffect, useRef, useSyncExternalStore } from "react";
import { useShortcuts } from "./shortcuts";

export interface PageAction {
  id: string;
  label: string;
  /** A shortcut for it, as in model/keys. */
  keys?: string;
  run: () => void;
}

let actions: readonly PageAction[] = [];
const listeners = new Set<() => void>();

function set(next: readonly PageAction[]): void {
  actions = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePageActionList(): readonly PageAction[] {
  return useSyncExternalStore(subscribe, () => actions);
}

/** Offers actions while the component is shown. Ids are unique on a page; handlers may change freely. */
export function usePageActions(offered: readonly PageAction[]): void {
  const latest = useRef(offered);
  latest.current = offered;
  const what = offered.map(({ id, label }) => `${id}\t${label}`).join("\n");
  useEffect(() => {
    if (what === "") return;
    const mine = what.split("\n").map((line, at): PageAction => {
      const [id = "", label = ""] = line.split("\t");
      const keys = latest.current[at]?.keys;
      return { id, label, ...(keys && { keys }), run: () => latest.current[at]?.run() };
    });
    set([...actions, ...mine]);
    return () => set(actions.filter((action) => !mine.includes(action)));
  }, [what]);
  useShortcuts(
    offered.flatMap(({ keys, label, run }) => (keys ? [{ keys, label, group: "This page", run }] : [])),
  );
}
