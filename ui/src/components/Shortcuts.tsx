/** The sheet of keyboard shortcuts, opened with "?". */

import { useEffect, useRef } from "react";
import { useKey } from "./hooks";

const SHORTCUTS: readonly [string, string][] = [
  ["/", "Search on this page, or write a query"],
  ["?", "This sheet"],
  ["r", "Go to the runs"],
  ["d", "Go to the datasets"],
  ["a", "Go to the adapters"],
  ["m", "Go to the metric definitions"],
  ["x", "Go to the deleted runs"],
  ["Ctrl Space", "Complete the query"],
  ["Esc", "Close, or clear the search"],
];

export function Shortcuts({ close }: { close: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useKey("Escape", close);
  useEffect(() => button.current?.focus(), []);
  return (
    <div className="backdrop">
      <div className="dialog stack" role="dialog" aria-modal="true" aria-labelledby="shortcuts-title">
        <h2 id="shortcuts-title">Keyboard shortcuts</h2>
        <dl className="facts">
          {SHORTCUTS.map(([key, what]) => (
            <div key={key} style={{ display: "contents" }}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <div>
          <button ref={button} type="button" className="button" onClick={close}>
            Close
          </button>
        </div>
      </div>
    </div>
  );
}
