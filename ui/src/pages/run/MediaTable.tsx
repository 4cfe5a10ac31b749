/** A logged table: its rows as text, a page at a time. */

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { artifactText } from "~/api/client";
import { ErrorNotice, Loading, TableWrap } from "~/components/parts";
import { formatBytes, formatCount } from "~/model/format";
import { readTable } from "~/model/media";
import { Download } from "./MediaItems";

/** A greater table is downloaded. */
const TABLE_BYTES = 8 * 1024 * 1024;
const ROWS_STEP = 50;
const COLUMNS_MAX = 40;

export function MediaTable({ run, path, name }: { run: string; path: string; name: string }) {
  const query = useQuery({
    queryKey: ["artifact-table", run, path],
    queryFn: ({ signal }) => artifactText(run, path, TABLE_BYTES, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [rows, setRows] = useState(ROWS_STEP);
  const table = useMemo(() => (query.data ? readTable(query.data.text) : undefined), [query.data]);
  if (query.isPending) return <Loading />;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (!table) {
    const why = query.data.cut
      ? `It is larger than ${formatBytes(TABLE_BYTES)}.`
      : "It is no table of the hub.";
    return <Download run={run} path={path} why={why} />;
  }
  const columns = table.columns.slice(0, COLUMNS_MAX);
  return (
    <>
      <div className="media-table">
        <TableWrap label={`Table ${name}`}>
          <table className="table">
            <thead>
              <tr>
                {columns.map((column, i) => (
                  <th key={`${i}-${column}`} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.slice(0, rows).map((row, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows of a table have nothing but their place
                <tr key={at}>
                  {columns.map((column, i) => (
                    <td key={`${i}-${column}`}>{row[i] ?? ""}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      </div>
      <p className="row wrap muted small">
        {formatCount(Math.min(rows, table.rows.length))} of {formatCount(table.rows.length)} rows
        {table.columns.length > COLUMNS_MAX &&
          `, ${COLUMNS_MAX} of ${formatCount(table.columns.length)} columns`}
        {rows < table.rows.length && (
          <button type="button" className="button" onClick={() => setRows(rows + ROWS_STEP * 4)}>
            Show more
          </button>
        )}
      </p>
    </>
  );
}
