/** Handles of a panel: one to move it, by dragging or arrow keys, and one to resize it. */

import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { Icon } from "~/components/Icon";
import type { Panel, PanelLayout } from "~/model/workspace";
import { handleId } from "./useArranging";

/** Pixels of one step of height. */
const HEIGHT_STEP = 140;

const STEPS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function MoveHandle(props: {
  panel: Panel;
  title: string;
  place: number;
  onMove: (place: number) => void;
  onDrag: (dragged: boolean) => void;
}) {
  const onKey = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    props.onMove(props.place + step[0] + step[1]);
  };
  return (
    <button
      type="button"
      id={handleId(props.panel)}
      className="icon-button move-handle"
      draggable
      aria-label={`Move ${props.title}`}
      title="Drag to move, or use the arrow keys"
      onKeyDown={onKey}
      onDragStart={(event) => {
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", props.panel.id);
        props.onDrag(true);
      }}
      onDragEnd={() => props.onDrag(false)}
    >
      <Icon name="grip" size={13} />
    </button>
  );
}

export function ResizeHandle(props: {
  title: string;
  layout: PanelLayout;
  /** Pixels from one column to the next. */
  column: number;
  onResize: (next: PanelLayout) => void;
}) {
  const { layout, column, onResize } = props;
  const start = useRef<{ x: number; y: number; layout: PanelLayout } | undefined>(undefined);
  const resized = (from: PanelLayout, columns: number, heights: number) => {
    const width = Math.max(1, from.width + columns);
    const height = Math.max(1, from.height + heights);
    if (width !== layout.width || height !== layout.height) onResize({ ...from, width, height });
  };
  return (
    <button
      type="button"
      className="icon-button resize-handle"
      aria-label={`Resize ${props.title}`}
      title="Drag to resize, or use the arrow keys"
      onKeyDown={(event) => {
        const step = STEPS[event.key];
        if (!step) return;
        event.preventDefault();
        resized(layout, step[0], step[1]);
      }}
      onPointerDown={(event: PointerEvent<HTMLButtonElement>) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, y: event.clientY, layout };
      }}
      onPointerMove={(event) => {
        const from = start.current;
        if (!from) return;
        resized(
          { ...layout, width: from.layout.width, height: from.layout.height },
          Math.round((event.clientX - from.x) / column),
          Math.round((event.clientY - from.y) / HEIGHT_STEP),
        );
      }}
      onPointerUp={() => {
        start.current = undefined;
      }}
      onPointerCancel={() => {
        start.current = undefined;
      }}
    >
      <Icon name="corner" size={13} />
    </button>
  );
}
