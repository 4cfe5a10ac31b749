/** The right edge of a column: dragged, or moved with the arrow keys, it changes the width. */

import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { clampWidth, WIDTH_MAX, WIDTH_MIN, WIDTH_STEP } from "~/model/placing";

export function ColumnResizer(props: { name: string; width: number; resize: (width: number) => void }) {
  const { name, width, resize } = props;
  const start = useRef<{ x: number; width: number }>(undefined);
  const mark = (host: HTMLElement, dx: number | undefined) => {
    if (dx === undefined) host.style.removeProperty("transform");
    else host.style.transform = `translateX(${dx}px)`;
  };
  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    start.current = { x: event.clientX, width };
  };
  const asked = (event: PointerEvent) =>
    start.current ? clampWidth(start.current.width + event.clientX - start.current.x) : width;
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    // The edge follows the pointer; the table is laid out once it is let go.
    if (start.current) mark(event.currentTarget, asked(event) - start.current.width);
  };
  const onPointerUp = (event: PointerEvent<HTMLElement>) => {
    const next = asked(event);
    mark(event.currentTarget, undefined);
    if (start.current && next !== width) resize(next);
    start.current = undefined;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -WIDTH_STEP, ArrowRight: WIDTH_STEP }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    resize(clampWidth(width + step));
  };
  return (
    <span
      className="resizer"
      role="separator"
      aria-orientation="vertical"
      aria-label={`Width of ${name}`}
      aria-valuenow={width}
      aria-valuemin={WIDTH_MIN}
      aria-valuemax={WIDTH_MAX}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
      onKeyDown={onKeyDown}
    />
  );
}
