/** A command or a few lines of code to copy, with what they do. */

import { useState } from "react";
import { Icon } from "./Icon";

export function Command({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div className="command with-copy">
      <div className="row">
        <pre className="grow">
          <code>{text}</code>
        </pre>
        <button
          type="button"
          className="button ghost icon"
          aria-label={copied ? "Copied" : `Copy ${text.split("\n")[0]}`}
          title={copied ? "Copied" : "Copy"}
          onClick={() => {
            void navigator.clipboard?.writeText(text).then(() => setCopied(true));
          }}
          onBlur={() => setCopied(false)}
        >
          <Icon name={copied ? "check" : "copy"} />
        </button>
      </div>
      <span className="muted">{what}</span>
    </div>
  );
}
