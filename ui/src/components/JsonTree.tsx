/** Free-form JSON as key and value pairs, nested ones by dotted key. Text only. */

import type { ReactNode } from "react";
import { shortHash } from "~/model/format";
import { inline, isEmpty, type Json, leaves } from "~/model/json";
import { Copy, Facts } from "./parts";

const ENTRIES_SHOWN_MAX = 500;
const HASH = /^(v\d+:)?[0-9a-f]{32,}$/;

/** Leaves as facts after `first`; `omit` names top-level keys shown elsewhere. */
export function JsonFacts(props: {
  value: unknown;
  omit?: readonly string[];
  first?: readonly (readonly [string, ReactNode])[];
}) {
  const { value, omit = [], first = [] } = props;
  const list = leaves(value as Json).filter(
    ({ path, value: leaf }) => path !== "" && !omit.includes(path.split(".")[0] ?? "") && !isEmpty(leaf),
  );
  const shown = list.slice(0, ENTRIES_SHOWN_MAX);
  return (
    <>
      <Facts
        items={[
          ...first,
          ...shown.map((leaf) => [leaf.path, <Leaf key={leaf.path} value={leaf.value} />] as const),
        ]}
      />
      {list.length > shown.length && <p className="muted">and {list.length - shown.length} more</p>}
    </>
  );
}

/** Hashes are shown short and copied whole. */
function Leaf({ value }: { value: Json }) {
  const text = inline(value);
  return HASH.test(text) ? <Copy value={text} short={shortHash(text)} /> : <code>{text}</code>;
}

export function JsonText({ value }: { value: unknown }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <pre className="code-block" tabIndex={0}>
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}
