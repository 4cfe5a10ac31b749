/** Runs that have the metric but are on no board, each with the reason. */

import { Link } from "@tanstack/react-router";
import type { Leaderboard } from "~/api/types";
import { Panel, TableWrap } from "~/components/parts";
import { formatCount, formatFixed, fullNumber, plural } from "~/model/format";

export function LeftOutPanel({ leftOut, total }: { leftOut: Leaderboard["left_out"]; total: number }) {
  return (
    <Panel title={`${plural(total, "run")} on no board`} flush>
      <TableWrap label="Runs on no board">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col" className="num">
                Value
              </th>
              <th scope="col">Why it is on no board</th>
            </tr>
          </thead>
          <tbody>
            {leftOut.map(({ run, value, reason }) => (
              <tr key={run.id}>
                <th scope="row">
                  <Link to="/runs/$id" params={{ id: run.id }} className="link">
                    {run.name}
                  </Link>
                </th>
                <td className="num" title={fullNumber(value)}>
                  {formatFixed(value)}
                </td>
                <td className="prose muted">{reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
      {total > leftOut.length && (
        <p className="board-foot muted small">
          The newest {formatCount(leftOut.length)} of {formatCount(total)}.
        </p>
      )}
    </Panel>
  );
}
