/** One axis over the canvas: its name and menu, its ticks, and the stretch that is brushed. */

import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { Button, Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { Icon } from "~/components/Icon";
import { type Axis, valueAt } from "~/model/axis";
import { type Brush, brushOver, brushText, stretchOf } from "~/model/brush";
import { formatNumber } from "~/model/format";
import { PARALLEL } from "./drawParallel";

/** Steps of the sliders along an axis. */
const SLIDER_STEPS = 100;
/** Pixels a name is dragged before the axis moves. */
const DRAG_MIN = 24;

export interface AxisActions {
  onBrush: (brush: Brush | undefined) => void;
  onMove: (by: number) => void;
  onLog: (log: boolean) => void;
  onRemove: () => void;
}

interface Props extends AxisActions {
  axis: Axis;
  brush: Brush | undefined;
  log: boolean;
  left: number;
  /** Room between two axes. */
  gap: number;
  first: boolean;
  last: boolean;
}

export function ParallelAxis(props: Props) {
  const { axis, left, gap } = props;
  const room = PARALLEL.height - PARALLEL.top - PARALLEL.bottom;
  return (
    <div className="axis" style={{ left, width: Math.min(gap, 150) }}>
      <AxisHead {...props} />
      <div className="axis-body" style={{ height: PARALLEL.height }}>
        <div className="axis-line" style={{ top: PARALLEL.top, height: room }}>
          {axis.ticks.map((tick) => (
            <span
              key={`${tick.at}-${tick.label}`}
              className="axis-tick"
              style={{ bottom: `${tick.at * 100}%`, maxWidth: Math.max(40, gap - 14) }}
            >
              {tick.label}
            </span>
          ))}
          <BrushZone {...props} />
        </div>
      </div>
    </div>
  );
}

/** The name is dragged or moved by arrow keys; beside it is the menu of the axis. */
function AxisHead(props: Props) {
  const { axis, gap, onMove } = props;
  const start = useRef<number | undefined>(undefined);
  const [shift, setShift] = useState(0);
  const { label } = axis.column;
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (by === 0) return;
    event.preventDefault();
    onMove(by);
  };
  const onUp = () => {
    const by = Math.round(shift / gap);
    start.current = undefined;
    setShift(0);
    if (by !== 0) onMove(by);
  };
  return (
    <div className="axis-head" style={{ transform: `translateX(${shift}px)` }}>
      <button
        type="button"
        className={`axis-name ${shift !== 0 ? "dragged" : ""}`}
        aria-label={`Axis ${label}`}
        aria-keyshortcuts="ArrowLeft ArrowRight"
        title={`${label}\nDrag it, or move it with the arrow keys`}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          start.current = event.clientX;
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          if (start.current === undefined) return;
          const by = event.clientX - start.current;
          setShift(Math.abs(by) < DRAG_MIN ? 0 : by);
        }}
        onPointerUp={onUp}
        onPointerCancel={onUp}
      >
        {label}
      </button>
      <AxisMenu {...props} />
    </div>
  );
}

function AxisMenu({ axis, brush, log, first, last, onMove, onLog, onRemove, onBrush }: Props) {
  const { label } = axis.column;
  return (
    <MenuTrigger>
      <Button className="axis-options" aria-label={`Options of axis ${label}`}>
        <Icon name="chevron" size={11} />
      </Button>
      <Popover className="analysis-popover" placement="bottom">
        <Menu className="analysis-menu" aria-label={`Axis ${label}`}>
          <MenuItem isDisabled={first} onAction={() => onMove(-1)}>
            Move left
          </MenuItem>
          <MenuItem isDisabled={last} onAction={() => onMove(1)}>
            Move right
          </MenuItem>
          {axis.scale !== "category" && (
            <MenuItem isDisabled={!log && !axis.canLog} onAction={() => onLog(!log)}>
              {log ? "Linear scale" : "Logarithmic scale"}
            </MenuItem>
          )}
          <MenuItem isDisabled={!brush} onAction={() => onBrush(undefined)}>
            Clear the brush
          </MenuItem>
          <MenuItem onAction={onRemove}>Remove the axis</MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

/** Where the pointer is on the axis, from its foot to its head. */
function placeIn(event: PointerEvent<HTMLElement>): number {
  const box = event.currentTarget.getBoundingClientRect();
  return Math.min(1, Math.max(0, 1 - (event.clientY - box.top) / box.height));
}

function BrushZone({ axis, brush, onBrush }: Props) {
  const [drawn, setDrawn] = useState<{ from: number; to: number }>();
  const stretch = drawn
    ? ([Math.min(drawn.from, drawn.to), Math.max(drawn.from, drawn.to)] as const)
    : stretchOf(axis, brush);
  return (
    <div
      className="brush-zone"
      onPointerDown={(event) => {
        if (event.button !== 0 || event.target instanceof HTMLInputElement) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const at = placeIn(event);
        setDrawn({ from: at, to: at });
      }}
      onPointerMove={(event) => {
        if (!drawn) return;
        const next = { from: drawn.from, to: placeIn(event) };
        setDrawn(next);
        const made = brushOver(axis, next.from, next.to);
        if (made) onBrush(made);
      }}
      onPointerUp={(event) => {
        if (!drawn) return;
        setDrawn(undefined);
        onBrush(brushOver(axis, drawn.from, placeIn(event)));
      }}
      onPointerCancel={() => setDrawn(undefined)}
    >
      {stretch && (
        <div
          className="brush"
          title={brush ? brushText(brush) : undefined}
          style={{ bottom: `${stretch[0] * 100}%`, height: `${(stretch[1] - stretch[0]) * 100}%` }}
        />
      )}
      <BrushEnds axis={axis} stretch={stretch ?? [0, 1]} onBrush={onBrush} />
    </div>
  );
}

/** The ends of the brush as sliders: they are seen when the keyboard is on them. */
function BrushEnds(props: {
  axis: Axis;
  stretch: readonly [number, number];
  onBrush: (brush: Brush | undefined) => void;
}) {
  const { axis, stretch, onBrush } = props;
  const text = (at: number) => {
    if (axis.scale !== "category") return formatNumber(valueAt(axis, at));
    const index = Math.min(axis.categories.length - 1, Math.floor(at * axis.categories.length));
    return axis.categories[index] ?? "";
  };
  return (["from", "to"] as const).map((end, i) => {
    const at = stretch[i] ?? i;
    return (
      <input
        key={end}
        type="range"
        className="brush-end"
        style={{ bottom: `calc(${at * 100}% - 6px)` }}
        min={0}
        max={SLIDER_STEPS}
        value={Math.round(at * SLIDER_STEPS)}
        aria-label={`${axis.column.label} ${end}`}
        aria-valuetext={text(at)}
        onChange={(event) => {
          const to = Number(event.target.value) / SLIDER_STEPS;
          const other = stretch[1 - i] ?? 1 - i;
          onBrush(
            i === 0
              ? brushOver(axis, Math.min(to, other), other)
              : brushOver(axis, other, Math.max(to, other)),
          );
        }}
      />
    );
  });
}
