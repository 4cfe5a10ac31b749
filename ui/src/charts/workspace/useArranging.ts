/** Changes of a workspace's layout, and where the focus goes when a panel was moved by keyboard. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import {
  type Panel,
  type PanelLayout,
  readLayout,
  type Section,
  type WorkspaceLayout,
  withFolded,
  withMoved,
  withoutPanel,
  withPanel,
  withPinned,
} from "~/model/workspace";

export interface Arranging {
  layout: WorkspaceLayout;
  change: (next: (before: WorkspaceLayout) => WorkspaceLayout) => void;
  actions: {
    pinned: (panel: Panel) => boolean;
    pin: (panel: Panel) => void;
    remove: (panel: Panel) => void;
    resize: (panel: Panel, layout: PanelLayout) => void;
  };
  fold: (section: string, folded: boolean) => void;
  move: (section: Section, panel: Panel, place: number) => void;
  /** What was done last, in words, for screen readers. */
  told: string;
}

export function handleId(panel: Panel): string {
  return `move ${panel.id}`;
}

export function useArranging(kept: unknown, onLayout: (layout: WorkspaceLayout) => void): Arranging {
  const layout = useMemo(() => readLayout(kept), [kept]);
  const [told, setTold] = useState("");
  const focus = useRef<string | undefined>(undefined);
  const latest = useRef({ layout, onLayout });
  latest.current = { layout, onLayout };
  const change = useCallback((next: (before: WorkspaceLayout) => WorkspaceLayout) => {
    const changed = next(latest.current.layout);
    if (changed === latest.current.layout) return;
    // Two changes before the next drawing follow each other.
    latest.current.layout = changed;
    latest.current.onLayout(changed);
  }, []);
  // A panel that moved in the page lost the focus on the way.
  // biome-ignore lint/correctness/useExhaustiveDependencies: after every drawing of another layout
  useEffect(() => {
    if (focus.current) document.getElementById(focus.current)?.focus();
    focus.current = undefined;
  }, [layout]);
  const actions = useMemo(
    () => ({
      pinned: (panel: Panel) => latest.current.layout.pinned.includes(panel.id),
      pin: (panel: Panel) => change((before) => withPinned(before, panel.id)),
      remove: (panel: Panel) => change((before) => withoutPanel(before, panel)),
      resize: (panel: Panel, next: PanelLayout) => change((before) => withPanel(before, panel.id, next)),
    }),
    [change],
  );
  const fold = useCallback(
    (section: string, folded: boolean) => change((before) => withFolded(before, section, folded)),
    [change],
  );
  const move = useCallback(
    (section: Section, panel: Panel, place: number) => {
      const within = Math.max(0, Math.min(section.panels.length - 1, place));
      focus.current = handleId(panel);
      setTold(`${panel.text} is now ${within + 1} of ${section.panels.length} in ${section.name}`);
      change((before) => withMoved(before, section, panel.id, within));
    },
    [change],
  );
  return useMemo(
    () => ({ layout, change, actions, fold, move, told }),
    [layout, change, actions, fold, move, told],
  );
}
