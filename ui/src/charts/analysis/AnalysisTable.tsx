/** The numbers behind an analysis chart: every run as a row, for reading by eye, keyboard and screen reader. */

import { useMemo, useState } from "react";
import { Swatch, TableWrap } from "~/components/parts";
import { type AnalysisColumn, type AnalysisRow, readCell } from "~/model/analysis";
import { cellText } from "~/model/axis";
import { formatCount } from "~/model/format";

const ROWS_STEP = 50;
const COLLATOR = new Intl.Collator("en", { numeric: true });

interface Order {
  column: AnalysisColumn;
  descending: boolean;
}

/** Rows with a value first, by it. */
function sorted(rows: readonly AnalysisRow[], order: Order | undefined): readonly AnalysisRow[] {
  if (!order) return rows;
  const { column, descending } = order;
  const keyed = rows.map((row) => ({ row, cell: readCell(row.values[column.id], column.numeric) }));
  const sign = descending ? -1 : 1;
  keyed.sort(({ cell: a }, { cell: b }) => {
    if (a.kind === "number" && b.kind === "number") return sign * (a.value - b.value);
    if (a.kind === "text" && b.kind === "text") return sign * COLLATOR.compare(a.value, b.value);
    return Number(a.kind === "missing") - Number(b.kind === "missing");
  });
  return keyed.map(({ row }) => row);
}

export function AnalysisTable(props: {
  rows: readonly AnalysisRow[];
  columns: readonly AnalysisColumn[];
  onOpen?: ((id: string) => void) | undefined;
}) {
  const { rows, columns, onOpen } = props;
  const [order, setOrder] = useState<Order>();
  const [shown, setShown] = useState(ROWS_STEP);
  const list = useMemo(() => sorted(rows, order), [rows, order]);
  const press = (column: AnalysisColumn) =>
    setOrder((before) => ({
      column,
      descending: before?.column.id === column.id ? !before.descending : column.numeric,
    }));
  const sortOf = (column: AnalysisColumn) =>
    order?.column.id !== column.id ? undefined : order.descending ? "descending" : "ascending";
  return (
    <div className="stack tight">
      <TableWrap label="Runs of the chart">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Run</th>
              {columns.map((column) => (
                <th
                  key={column.id}
                  scope="col"
                  aria-sort={sortOf(column)}
                  className={column.numeric ? "num" : ""}
                >
                  <button
                    type="button"
                    className="plain sort"
                    title={column.id}
                    onClick={() => press(column)}
                  >
                    {column.label}
                    {sortOf(column) && (
                      <span aria-hidden="true">{sortOf(column) === "descending" ? " ↓" : " ↑"}</span>
                    )}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {list.slice(0, shown).map((row) => (
              <tr key={row.id}>
                <th scope="row" className="nowrap">
                  <Swatch color={row.color} />{" "}
                  {onOpen ? (
                    <button type="button" className="link plain" onClick={() => onOpen(row.id)}>
                      {row.name}
                    </button>
                  ) : (
                    row.name
                  )}
                </th>
                {columns.map((column) => {
                  const cell = readCell(row.values[column.id], column.numeric);
                  return (
                    <td
                      key={column.id}
                      className={`${column.numeric ? "num" : ""} ${cell.kind === "missing" ? "faint" : ""}`}
                    >
                      {cellText(cell)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
      {list.length > shown && (
        <p className="row muted small">
          {formatCount(shown)} of {formatCount(list.length)} runs
          <button type="button" className="button" onClick={() => setShown(shown + ROWS_STEP * 4)}>
            Show more
          </button>
        </p>
      )}
    </div>
  );
}
