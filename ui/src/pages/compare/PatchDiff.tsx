/** How one patch differs from another: lines of both, those of one alone marked. */

import { diffLines } from "diff";
import { useMemo } from "react";
import { plural } from "~/model/format";

const LINES_MAX = 2_000;
/** Beyond this the comparison would freeze the page. */
const TEXT_MAX = 512 * 1024;
const SIGN = { same: " ", first: "−", second: "+" } as const;

interface Line {
  side: keyof typeof SIGN;
  text: string;
}

function linesOf(from: string, to: string): Line[] {
  return diffLines(from, to).flatMap((part) => {
    const side = part.added ? "second" : part.removed ? "first" : "same";
    return part.value
      .replace(/\n$/, "")
      .split("\n")
      .map((text): Line => ({ side, text }));
  });
}

const CLASSES = { same: "context", first: "removed", second: "added" } as const;

export function PatchDiff(props: { from: string; to: string; fromName: string; toName: string }) {
  const { from, to } = props;
  const large = from.length + to.length > TEXT_MAX;
  const lines = useMemo(() => (large ? [] : linesOf(from, to)), [from, to, large]);
  if (from === to) return <p className="muted">Both have the same uncommitted changes.</p>;
  if (large) {
    return (
      <p className="muted">
        The changes are too long to be compared here. Each run shows its own under Provenance.
      </p>
    );
  }
  return (
    <>
      <p className="muted small">
        <span aria-hidden="true">−</span> only in the changes of {props.fromName},{" "}
        <span aria-hidden="true">+</span> only in those of {props.toName}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre className="code-block patch" tabIndex={0}>
        {lines.slice(0, LINES_MAX).map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a patch never change places
          <div key={i} className={CLASSES[line.side]}>
            {`${SIGN[line.side]} ${line.text}`}
          </div>
        ))}
      </pre>
      {lines.length > LINES_MAX && (
        <p className="muted small">and {plural(lines.length - LINES_MAX, "more line")}</p>
      )}
    </>
  );
}
