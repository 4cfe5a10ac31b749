/** Under the table: how many runs there are, and how many are left out. */

import { formatCount, plural } from "~/model/format";
import type { RunsSearch } from "~/model/search";
import type { Rows } from "./useRows";

export function StatusLine(props: {
  rows: Rows;
  search: RunsSearch;
  change: (next: Partial<RunsSearch>) => void;
}) {
  const { rows, search, change } = props;
  const { answer, archived } = rows;
  return (
    <div className="status-line">
      <span role="status">{!answer.pending && plural(answer.total, answer.grouped ? "group" : "run")}</span>
      {archived > 0 && (
        <span>
          {formatCount(archived)} archived left out{" "}
          <button type="button" className="link-button" onClick={() => change({ archived: "shown" })}>
            Show them
          </button>
        </span>
      )}
      {search.archived && (
        <span>
          archived runs shown{" "}
          <button type="button" className="link-button" onClick={() => change({ archived: undefined })}>
            Leave them out
          </button>
        </span>
      )}
      {answer.fetching && <span className="faint">loading…</span>}
    </div>
  );
}
