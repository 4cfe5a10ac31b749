/** Editing a report: each change is a step that can be undone; typing in one block is one step. */

import type { ReportBlock, ReportPanel } from "./report";

export interface Draft {
  name: string;
  blocks: readonly ReportBlock[];
}

export interface Editing {
  now: Draft;
  past: readonly Draft[];
  future: readonly Draft[];
  /** What the last step changed, so that typing on adds to it. */
  typing: string | undefined;
  nextKey: number;
}

/** Steps kept. */
const STEPS_MAX = 200;

export type Edit =
  | { type: "name"; name: string }
  | { type: "text"; key: string; text: string }
  | { type: "panel"; key: string; panel: ReportPanel }
  | { type: "add"; after: string | undefined; block: { text: string } | { panel: ReportPanel } }
  | { type: "move"; key: string; to: number }
  | { type: "remove"; key: string }
  | { type: "undo" }
  | { type: "redo" };

export function startEditing(draft: Draft): Editing {
  return { now: draft, past: [], future: [], typing: undefined, nextKey: 0 };
}

function step(state: Editing, now: Draft, typing?: string): Editing {
  const goesOn = typing !== undefined && typing === state.typing;
  const past = goesOn ? state.past : [...state.past, state.now].slice(-STEPS_MAX);
  return { ...state, now, past, future: [], typing };
}

function replaced(state: Editing, key: string, by: (block: ReportBlock) => ReportBlock): Draft {
  return { ...state.now, blocks: state.now.blocks.map((block) => (block.key === key ? by(block) : block)) };
}

function movedTo(blocks: readonly ReportBlock[], key: string, to: number): readonly ReportBlock[] {
  const from = blocks.findIndex((block) => block.key === key);
  const block = blocks[from];
  if (!block) return blocks;
  const rest = blocks.filter((one) => one !== block);
  const at = Math.max(0, Math.min(rest.length, to));
  return at === from ? blocks : [...rest.slice(0, at), block, ...rest.slice(at)];
}

export function edited(state: Editing, edit: Edit): Editing {
  const { now } = state;
  switch (edit.type) {
    case "name":
      return step(state, { ...now, name: edit.name }, "name");
    case "text": {
      const next = replaced(state, edit.key, (block) => ({
        key: block.key,
        type: "markdown",
        text: edit.text,
      }));
      return step(state, next, `text ${edit.key}`);
    }
    case "panel":
      return step(
        state,
        replaced(state, edit.key, (block) => ({ key: block.key, type: "panel", panel: edit.panel })),
      );
    case "add": {
      const key = `n${state.nextKey}`;
      const block: ReportBlock =
        "text" in edit.block
          ? { key, type: "markdown", text: edit.block.text }
          : { key, type: "panel", panel: edit.block.panel };
      const at = now.blocks.findIndex((one) => one.key === edit.after) + 1;
      const blocks = [...now.blocks.slice(0, at), block, ...now.blocks.slice(at)];
      return { ...step(state, { ...now, blocks }), nextKey: state.nextKey + 1 };
    }
    case "move": {
      const blocks = movedTo(now.blocks, edit.key, edit.to);
      return blocks === now.blocks ? state : step(state, { ...now, blocks });
    }
    case "remove":
      return step(state, { ...now, blocks: now.blocks.filter((block) => block.key !== edit.key) });
    case "undo": {
      const before = state.past.at(-1);
      if (!before) return state;
      const [past, future] = [state.past.slice(0, -1), [now, ...state.future]];
      return { ...state, now: before, past, future, typing: undefined };
    }
    case "redo": {
      const [after, ...future] = state.future;
      if (!after) return state;
      return { ...state, now: after, past: [...state.past, now], future, typing: undefined };
    }
  }
}
