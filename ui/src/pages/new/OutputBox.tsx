/** Plain text in a box of bounded height that scrolls by itself, with the keyboard too. */

import { useEffect, useRef } from "react";

export function OutputBox(props: { label: string; text: string; toEnd?: boolean }) {
  const box = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new text brings the end into view
  useEffect(() => {
    if (props.toEnd && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [props.text, props.toEnd]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="launch-output" ref={box} aria-label={props.label} tabIndex={0}>
      <pre>{props.text}</pre>
    </section>
  );
}
