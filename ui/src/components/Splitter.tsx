/** The edge between two panes: dragged, or moved with the arrow keys. */

import { type KeyboardEvent, type PointerEvent, type RefObject, useRef } from "react";

const STEP = 2;

interface Props {
  label: string;
  /** The first pane's share in percent. */
  value: number;
  min: number;
  max: number;
  /** What holds both panes. */
  host: RefObject<HTMLElement | null>;
  /** While it is dragged. */
  onMove: (value: number) => void;
  /** When it is let go; undefined for the usual share. */
  onEnd: (value: number | undefined) => void;
}

export function Splitter(props: Props) {
  const { value, min, max, host, onMove, onEnd } = props;
  const dragged = useRef<number>(undefined);
  const clamp = (share: number) => Math.round(Math.min(max, Math.max(min, share)));
  const onPointerMove = (event: PointerEvent) => {
    const box = host.current?.getBoundingClientRect();
    if (dragged.current === undefined || !box) return;
    const edge = event.currentTarget;
    // Where the panes stand one above the other, the edge lies flat.
    const across = edge.clientHeight > edge.clientWidth;
    const share = across
      ? ((event.clientX - box.left) / box.width) * 100
      : ((event.clientY - box.top) / box.height) * 100;
    dragged.current = clamp(share);
    onMove(dragged.current);
  };
  const onPointerUp = () => {
    if (dragged.current !== undefined) onEnd(dragged.current);
    dragged.current = undefined;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowLeft: -STEP,
      ArrowUp: -STEP,
      ArrowRight: STEP,
      ArrowDown: STEP,
    };
    const next = { Home: min, End: max }[event.key] ?? value + (steps[event.key] ?? 0);
    if (next === value) return;
    event.preventDefault();
    onEnd(clamp(next));
  };
  return (
    <div
      className="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label={props.label}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      title="Drag, or use the arrow keys; press twice for the usual share"
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.focus();
        event.currentTarget.setPointerCapture(event.pointerId);
        dragged.current = value;
      }}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
      onDoubleClick={() => onEnd(undefined)}
      onKeyDown={onKeyDown}
    />
  );
}
