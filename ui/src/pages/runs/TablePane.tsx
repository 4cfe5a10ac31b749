/** The table, or what stands in its place: loading, a mistake, nothing found, an error. */

import { type ReactNode, useCallback, useMemo } from "react";
import { Empty, ErrorNotice, Loading } from "~/components/parts";
import { readOrder } from "~/model/order";
import type { RunsSearch } from "~/model/search";
import { RunsTable, type TableProps } from "./RunsTable";
import type { ViewProps } from "./RunsView";
import type { Need } from "./useBlocks";
import type { Rows } from "./useRows";

type FromTable = Pick<
  TableProps,
  "curves" | "sight" | "selection" | "pickTo" | "all" | "actions" | "hovered" | "onHover" | "now" | "onRows"
>;

interface Props extends FromTable, Pick<ViewProps, "search" | "change" | "empty" | "unmatched"> {
  rows: Rows;
}

export function TablePane(props: Props) {
  const { rows, search, change } = props;
  const { answer, mistake, setNeed } = rows;
  const order = useMemo(() => readOrder(search.sort), [search.sort]);
  const need = useCallback((next: Need) => setNeed(next), [setNeed]);
  if (answer.error && !mistake) {
    return <Failed error={answer.error} search={search} change={change} retry={answer.retry} />;
  }
  if (answer.pending && !mistake) {
    return (
      <div className="page-body">
        <Loading lines={8} />
      </div>
    );
  }
  if (answer.total === 0) return <Nothing {...props} mistake={mistake !== undefined} />;
  return (
    <RunsTable
      {...props}
      answer={answer}
      open={rows.open}
      members={rows.members}
      columns={rows.columns}
      widths={rows.widths}
      pieceOf={rows.pieceOf}
      need={need}
      order={order}
      fold={rows.fold}
      stale={answer.stale || mistake !== undefined}
    />
  );
}

function Nothing(props: Props & { mistake: boolean }): ReactNode {
  const { search, mistake, rows, change } = props;
  const filtered = search.query || search.state || search.experiment;
  return (
    <div className="runs-scroll">
      {mistake ? (
        <Empty title="The query has a mistake">
          <p>It is pointed at above.</p>
        </Empty>
      ) : rows.archived > 0 ? (
        <Empty title="All these runs are archived">
          <button type="button" className="button" onClick={() => change({ archived: "shown" })}>
            Show archived runs
          </button>
        </Empty>
      ) : filtered ? (
        props.unmatched
      ) : (
        props.empty
      )}
    </div>
  );
}

/** A mistake in the order, the columns or the grouping can only come from the address. */
function Failed(props: { error: Error; retry: () => void } & Pick<ViewProps, "search" | "change">) {
  const { error, search, change } = props;
  const chosen = search.sort ?? search.cols ?? search.group;
  const forget: Partial<RunsSearch> = { sort: undefined, cols: undefined, group: undefined };
  return (
    <div className="page-body">
      <ErrorNotice error={error} retry={props.retry} />
      {chosen && (
        <div>
          <button type="button" className="button" onClick={() => change(forget)}>
            Forget order, columns and groups
          </button>
        </div>
      )}
    </div>
  );
}
