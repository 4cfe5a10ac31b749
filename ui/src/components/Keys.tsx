/** A shortcut as keys: `g r` as two, `mod+k` as two held together. */

import { keyNames } from "~/model/keys";

const MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function Keys({ keys }: { keys: string }) {
  return (
    <span className="keys">
      {keyNames(keys, MAC).map((stroke, at) => (
        <span key={`${at}-${stroke.join("+")}`} className="keys">
          {at > 0 && <span className="faint small">then</span>}
          {stroke.map((part) => (
            <kbd key={part}>{part}</kbd>
          ))}
        </span>
      ))}
    </span>
  );
}
