/** The search of a log: what was found so far, stepping through it, and going on. */

import { useEffect, useRef, useState } from "react";
import { Icon } from "~/components/Icon";
import { formatCount } from "~/model/format";
import type { LogSearch } from "./useLogSearch";

/** Typing pauses for this long before the whole log is searched. */
const PAUSE_MS = 250;

function foundText(search: LogSearch): string {
  const { matches, at, more, searching, error } = search;
  if (error) return error.message;
  const count = formatCount(matches.length);
  if (matches.length === 0) return more || searching ? "searching…" : "nothing found";
  return `${(at ?? 0) + 1} of ${count}${more ? " so far" : ""}`;
}

export function LogSearchBox(props: { find: string; search: LogSearch; onFind: (text: string) => void }) {
  const { find, search } = props;
  const [draft, setDraft] = useState(find);
  const latest = useRef(props.onFind);
  latest.current = props.onFind;
  useEffect(() => {
    if (draft === find) return;
    const timer = setTimeout(() => latest.current(draft), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [draft, find]);
  const { step } = search;
  const none = search.matches.length === 0;
  return (
    <div className="row log-search">
      <input
        data-search
        type="search"
        className="input search"
        placeholder="Search the whole log  ( / )"
        aria-label="Search the log"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          if (draft === find) step(event.shiftKey ? -1 : 1);
          else props.onFind(draft);
        }}
      />
      {find !== "" && (
        <>
          <button
            type="button"
            className="button ghost icon"
            aria-label="Match before"
            title="Match before (Shift Enter)"
            disabled={none}
            onClick={() => step(-1)}
          >
            <span className="turned">
              <Icon name="chevron" />
            </span>
          </button>
          <button
            type="button"
            className="button ghost icon"
            aria-label="Next match"
            title="Next match (Enter)"
            disabled={none}
            onClick={() => step(1)}
          >
            <Icon name="chevron" />
          </button>
          <span className="muted small log-found" role="status">
            {foundText(search)}
          </span>
          {search.more && !search.searching && !search.error && (
            <button type="button" className="button" onClick={search.goOn}>
              Search on
            </button>
          )}
        </>
      )}
    </div>
  );
}
