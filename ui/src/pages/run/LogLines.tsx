/** The lines of a log window: only those on screen exist, and more are asked for where the reader comes near an end. */

import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { formatCount } from "~/model/format";
import { type LogWindow, lineAt, lineNumber, lineStarts, lineText, offsetAt } from "~/model/logs";
import { LogLine } from "./LogLine";
import type { LogTarget } from "./useLog";

const LINE_HEIGHT = 19;
const OVERSCAN = 20;
/** Lines from an end of the window at which more is asked for. */
const NEAR = 120;

interface Props {
  window: LogWindow;
  /** Size of the stream as last heard of. */
  size: number;
  target: LogTarget | undefined;
  follow: boolean;
  wrap: boolean;
  find: string;
  /** Offset of the place the reader stands at. */
  current: number | undefined;
  lineHref: (offset: number) => string;
  choose: (offset: number) => void;
  leaveEnd: () => void;
  go: (target: LogTarget) => void;
  loadOlder: () => void;
  loadNewer: () => void;
  onPosition: (offset: number) => void;
}

function useLines(window: LogWindow, wrap: boolean) {
  const scroller = useRef<HTMLElement>(null);
  const starts = useMemo(() => lineStarts(window), [window]);
  const keyOf = useCallback((index: number) => offsetAt(window, starts[index] ?? 0), [window, starts]);
  const virtual = useVirtualizer({
    count: starts.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    getItemKey: keyOf,
    overscan: OVERSCAN,
    paddingStart: 8,
    paddingEnd: 8,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights are other ones when lines wrap
  useLayoutEffect(() => virtual.measure(), [wrap, virtual]);
  return { scroller, starts, keyOf, virtual };
}

type Lines = ReturnType<typeof useLines>;

/** Keeps the line at the top where it is when lines come or go above it. */
function useAnchor(lines: Lines, props: Props) {
  const { scroller, starts, keyOf, virtual } = lines;
  const { window, follow, onPosition } = props;
  const anchor = useRef<{ offset: number; delta: number }>(undefined);
  const note = () => {
    const top = scroller.current?.scrollTop ?? 0;
    const item = virtual.getVirtualItemForOffset(top);
    if (!item) return;
    anchor.current = { offset: keyOf(item.index), delta: top - item.start };
    onPosition(anchor.current.offset);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another window moves the lines
  useLayoutEffect(() => {
    const held = anchor.current;
    if (!held || follow || !scroller.current) return;
    if (held.offset < window.start || held.offset >= window.end) return;
    const start = virtual.measurementsCache[lineAt(window, starts, held.offset)]?.start;
    if (start !== undefined) scroller.current.scrollTop = start + held.delta;
  }, [window]);
  return note;
}

/** Goes where the reader wants to be, and stays at the end while following. */
function useGoing(lines: Lines, { window, target, follow }: Props) {
  const { starts, virtual } = lines;
  const latest = useRef({ window, starts });
  latest.current = { window, starts };
  const last = starts.length - 1;
  useLayoutEffect(() => {
    if (!target) return;
    const now = latest.current;
    if (target.kind === "end") virtual.scrollToIndex(now.starts.length - 1, { align: "end" });
    else {
      const index = Math.max(0, lineAt(now.window, now.starts, target.offset));
      virtual.scrollToIndex(index, { align: "center" });
    }
  }, [target, virtual]);
  useLayoutEffect(() => {
    if (follow && last >= 0) virtual.scrollToIndex(last, { align: "end" });
  }, [follow, last, virtual]);
}

/** Asks for more where an end of the window is near. */
function useGrowing(lines: Lines, { window, size, loadOlder, loadNewer }: Props) {
  const items = lines.virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  const count = lines.starts.length;
  useEffect(() => {
    if (window.end < size && last >= count - NEAR) loadNewer();
    else if (window.start > 0 && first <= NEAR) loadOlder();
  }, [window, size, first, last, count, loadNewer, loadOlder]);
}

const UPWARDS = new Set(["ArrowUp", "PageUp", "Home"]);

export function LogLines(props: Props) {
  const { window, find, wrap } = props;
  const [whole, setWhole] = useState<ReadonlySet<number>>(new Set());
  const show = useCallback((offset: number) => setWhole((before) => new Set(before).add(offset)), []);
  const lines = useLines(window, wrap);
  const { scroller, starts, keyOf, virtual } = lines;
  // The line that holds the place of the address, which need not be its first byte.
  const at = props.current ?? -1;
  const current = at >= window.start && at < window.end ? lineAt(window, starts, at) : -1;
  const note = useAnchor(lines, props);
  // After the anchor: where both move the lines, the reader's wish counts.
  useGoing(lines, props);
  useGrowing(lines, props);
  const onKey = (event: KeyboardEvent) => {
    if (UPWARDS.has(event.key)) props.leaveEnd();
    if (event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    props.go(event.key === "End" ? { kind: "end" } : { kind: "offset", offset: 0 });
  };
  return (
    <section
      className={`log ${wrap ? "wrap" : ""}`}
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      aria-label="Log"
      onScroll={note}
      onWheel={(event) => event.deltaY < 0 && props.leaveEnd()}
      onTouchMove={props.leaveEnd}
      onKeyDown={onKey}
    >
      <div className="log-lines" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const offset = keyOf(item.index);
          const number = lineNumber(window, item.index);
          return (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              className={`log-line ${item.index === current ? "current" : ""} ${whole.has(offset) ? "whole" : ""}`}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <a
                className="number"
                href={props.lineHref(offset)}
                tabIndex={-1}
                aria-label={number === undefined ? `Line at byte ${offset}` : `Line ${number}`}
                title={`Byte ${formatCount(offset)}; a link to this line`}
                onClick={(event) => {
                  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                  event.preventDefault();
                  props.choose(offset);
                }}
              >
                {number ?? "·"}
              </a>
              <LogLine
                text={lineText(window, starts, item.index)}
                find={find}
                whole={whole.has(offset)}
                offset={offset}
                show={show}
              />
            </div>
          );
        })}
      </div>
    </section>
  );
}
