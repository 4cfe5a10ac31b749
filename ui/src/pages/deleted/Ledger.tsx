/** Every deletion: when, who, why, what, and what it freed. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { ledgerQuery } from "~/api/queries";
import type { DeletionLine } from "~/api/types";
import { Empty, ErrorNotice, Loading, Panel, TableWrap } from "~/components/parts";
import { actionText, sizeBytes, sizeParts } from "~/model/deletions";
import { formatBytes, formatTime, plural } from "~/model/format";

export function Ledger() {
  const query = useInfiniteQuery(ledgerQuery());
  if (query.isPending) return <Body>{<Loading />}</Body>;
  if (query.isError) {
    return (
      <Body>
        <ErrorNotice error={query.error} retry={() => void query.refetch()} />
      </Body>
    );
  }
  const lines = query.data.pages.flatMap((page) => page.deletions);
  if (lines.length === 0) {
    return (
      <Empty title="Nothing was ever deleted">
        <p>Every deletion is written down here: who asked for it, why, and what it freed.</p>
      </Empty>
    );
  }
  const freed = lines.reduce((sum, line) => sum + (frees(line) ? sizeBytes(line.size) : 0), 0);
  return (
    <Body>
      <Panel
        title={plural(lines.length, "deletion")}
        aside={<span className="muted">{formatBytes(freed)} freed by those shown</span>}
        flush
      >
        <TableWrap label="Ledger of deletions">
          <table className="table hover">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">What</th>
                <th scope="col">Run</th>
                <th scope="col">Who</th>
                <th scope="col">Why</th>
                <th scope="col" className="num">
                  Freed
                </th>
              </tr>
            </thead>
            <tbody>
              {lines.map((line) => (
                <Row key={line.seq} line={line} />
              ))}
            </tbody>
          </table>
        </TableWrap>
      </Panel>
      {query.hasNextPage && (
        <div>
          <button
            type="button"
            className="button"
            disabled={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Older deletions
          </button>
        </div>
      )}
    </Body>
  );
}

function Body({ children }: { children: React.ReactNode }) {
  return <div className="tab-body">{children}</div>;
}

/** Hiding a run, or showing it again, frees nothing. */
function frees(line: DeletionLine): boolean {
  return line.action !== "delete" && line.action !== "restore";
}

function Row({ line }: { line: DeletionLine }) {
  const parts = sizeParts(line.size).map((part) => `${part.what}: ${part.bytes} in ${part.count}`);
  return (
    <tr>
      <td className="nowrap">{formatTime(line.started_at)}</td>
      <td className="nowrap">
        {actionText(line.action)}
        {!line.ended_at && <span className="badge warn">under way</span>}
      </td>
      <td className="prose" title={line.run}>
        {line.name}
        <div className="faint small">
          {line.project} / {line.experiment}
        </div>
      </td>
      <td>{line.actor}</td>
      <td>{line.cause === "request" ? "on request" : line.cause.replace(/^retention /, "rule ")}</td>
      <td className="num" title={parts.join("\n")}>
        {frees(line) ? formatBytes(sizeBytes(line.size)) : <span className="faint">–</span>}
      </td>
    </tr>
  );
}
