/** One line of a log: colours become spans of text, what was searched for is marked, endless lines are cut. */

import { memo, useMemo } from "react";
import { ansiSpans, LINE_LENGTH_MAX, markedSpans } from "~/model/ansi";
import { formatCount } from "~/model/format";

/** Colours a program chose are mixed with the text colour, so that they can be read in either scheme. */
function tint(color: string | undefined) {
  return color ? { color: `color-mix(in srgb, ${color} 55%, var(--text))` } : undefined;
}

export const LogLine = memo(function LogLine(props: {
  text: string;
  find: string;
  whole: boolean;
  offset: number;
  show: (offset: number) => void;
}) {
  const { text, find, whole, offset, show } = props;
  const spans = useMemo(
    () => markedSpans(ansiSpans(text, whole ? undefined : LINE_LENGTH_MAX), find),
    [text, find, whole],
  );
  const hidden = whole ? 0 : text.length - LINE_LENGTH_MAX;
  return (
    <span className="content">
      {spans.map((span, i) => {
        const Tag = span.hit ? "mark" : "span";
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the spans of a line never change places
          <Tag key={i} className={span.className || undefined} style={tint(span.color)}>
            {span.text}
          </Tag>
        );
      })}
      {hidden > 0 && (
        <button type="button" className="log-more" onClick={() => show(offset)}>
          show {formatCount(hidden)} more characters
        </button>
      )}
    </span>
  );
});
