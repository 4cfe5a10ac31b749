/** The text of the experiment with line numbers; lines with mistakes are marked. */

import { useEffect, useRef } from "react";
import type { ConfigMistake } from "~/api/types";

/** Lines the editor shows at least. */
const LINES_MIN = 14;

export function TextEditor(props: {
  text: string;
  mistakes: readonly ConfigMistake[];
  onChange: (text: string) => void;
  /** A line to show and put the caret on; a new object each time. */
  jump: { line: number } | undefined;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const lines = props.text.split("\n").length;
  const wrong = new Map(
    props.mistakes.flatMap((one) => (one.line ? [[one.line, one.message] as const] : [])),
  );
  useEffect(() => {
    const element = area.current;
    if (!props.jump || !element) return;
    const before = element.value.split("\n").slice(0, props.jump.line - 1);
    const start = before.reduce((sum, line) => sum + line.length + 1, 0);
    const end = element.value.indexOf("\n", start);
    element.focus();
    element.setSelectionRange(start, end < 0 ? element.value.length : end);
  }, [props.jump]);
  return (
    <div className="text-editor">
      <div className="text-gutter" ref={gutter} aria-hidden="true">
        {Array.from({ length: lines }, (_, index) => index + 1).map((line) => (
          <div key={line} className={wrong.has(line) ? "wrong" : ""} title={wrong.get(line)}>
            {line}
          </div>
        ))}
      </div>
      <textarea
        ref={area}
        aria-label="Experiment as YAML"
        aria-invalid={wrong.size > 0}
        value={props.text}
        rows={Math.max(LINES_MIN, Math.min(lines + 1, 40))}
        spellCheck={false}
        autoComplete="off"
        wrap="off"
        onChange={(event) => props.onChange(event.target.value)}
        onScroll={(event) => {
          if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}
