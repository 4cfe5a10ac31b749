/** A panel's table; the first column names the rows, the others hold values. */

import { TableWrap } from "~/components/parts";
import type { PanelTable } from "~/model/reportTables";

export function TableFigure({ label, content }: { label: string; content: PanelTable }) {
  const { table, notes } = content;
  return (
    <div className="stack tight">
      {table.head.length > 0 && table.rows.length > 0 && (
        <TableWrap label={label}>
          <table className="table report-table">
            <thead>
              <tr>
                {table.head.map((head, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: columns keep their places, names may repeat
                  <th key={i} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, r) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows keep their places, names may repeat
                <tr key={r}>
                  {row.map((cell, i) =>
                    i === 0 ? (
                      // biome-ignore lint/suspicious/noArrayIndexKey: cells keep their places
                      <th key={i} scope="row">
                        {cell}
                      </th>
                    ) : (
                      // biome-ignore lint/suspicious/noArrayIndexKey: cells keep their places
                      <td key={i}>{cell}</td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      )}
      {table.head.length > 0 && table.rows.length === 0 && <p className="muted">Nothing to show.</p>}
      {notes.map((note) => (
        <p key={note} className="muted small">
          {note}
        </p>
      ))}
    </div>
  );
}
