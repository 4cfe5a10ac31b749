/** JSON as a tree that folds: objects and lists open level by level, values as text. */

import { useState } from "react";
import { plural } from "~/model/format";
import type { Json } from "~/model/json";

/** Levels that are open at first. */
const OPEN_DEPTH = 2;
/** Members of one object or list shown at once. */
const MEMBERS_SHOWN = 200;
const TEXT_MAX = 2_000;

function Leaf({ name, value }: { name: string; value: Json }) {
  const kind = value === null ? "null" : typeof value;
  return (
    <div className="json-leaf">
      {name !== "" && <span className="json-name">{name}: </span>}
      <span className={`json-${kind}`}>{JSON.stringify(value).slice(0, TEXT_MAX)}</span>
    </div>
  );
}

export function JsonBranch({ name, value, depth }: { name: string; value: Json; depth: number }) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  const [shown, setShown] = useState(MEMBERS_SHOWN);
  if (value === null || typeof value !== "object") return <Leaf name={name} value={value} />;
  const list = Array.isArray(value);
  const members: [string, Json][] = list
    ? value.map((item, at): [string, Json] => [String(at), item])
    : Object.entries(value);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {name !== "" && <span className="json-name">{name}: </span>}
        <span className="faint">{list ? plural(members.length, "item") : plural(members.length, "key")}</span>
      </summary>
      {open && (
        <div className="json-members">
          {members.slice(0, shown).map(([key, member]) => (
            <JsonBranch key={key} name={key} value={member} depth={depth + 1} />
          ))}
          {members.length > shown && (
            <button type="button" className="button ghost" onClick={() => setShown(shown + MEMBERS_SHOWN)}>
              {members.length - shown} more
            </button>
          )}
        </div>
      )}
    </details>
  );
}
