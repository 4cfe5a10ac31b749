/** The lines of a log: only those on screen exist; colours become spans of text. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { ansiSpans } from "~/model/ansi";

const LINE_HEIGHT = 19;
const OVERSCAN = 30;

// Colours a program chose are mixed with the text colour, so that they can be read in either scheme.
const Line = memo(function Line({ text }: { text: string }) {
  return (
    <span className="content">
      {ansiSpans(text).map((span, i) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: the spans of a line never change places
          key={i}
          className={span.className || undefined}
          style={span.color ? { color: `color-mix(in srgb, ${span.color} 55%, var(--text))` } : undefined}
        >
          {span.text}
        </span>
      ))}
    </span>
  );
});

export function LogLines(props: {
  lines: readonly string[];
  /** Whether the first line here is the first of the stream, so that lines can be numbered. */
  fromStart: boolean;
  follow: boolean;
  onLeaveEnd: () => void;
  found: readonly number[];
  current: number | undefined;
  loadOlder: (() => void) | undefined;
}) {
  const { lines, follow, current, loadOlder } = props;
  const scroller = useRef<HTMLElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: OVERSCAN,
    paddingStart: 8,
    paddingEnd: 8,
  });
  const found = useMemo(() => new Set(props.found), [props.found]);
  const last = lines.length - 1;
  const opened = useRef(false);

  // Opens at the end, where the news is, and stays there while following.
  useLayoutEffect(() => {
    if (last < 0 || (!follow && opened.current)) return;
    opened.current = true;
    virtual.scrollToIndex(last, { align: "end" });
  }, [follow, last, virtual]);

  useEffect(() => {
    if (current !== undefined) virtual.scrollToIndex(current, { align: "center" });
  }, [current, virtual]);

  return (
    <section
      className="log"
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      aria-label="Log"
      onWheel={(event) => event.deltaY < 0 && props.onLeaveEnd()}
    >
      {loadOlder && (
        <div className="row" style={{ justifyContent: "center", padding: "8px 0" }}>
          <button type="button" className="button" onClick={loadOlder}>
            Load older lines
          </button>
        </div>
      )}
      <div className="log-lines" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => (
          <div
            key={item.key}
            className={`log-line ${found.has(item.index) ? "match" : ""} ${item.index === current ? "current" : ""}`}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            <span className="number" aria-hidden="true">
              {props.fromStart ? item.index + 1 : "·"}
            </span>
            <Line text={lines[item.index] ?? ""} />
          </div>
        ))}
      </div>
    </section>
  );
}
