/** A logged table: its rows as text, searched, sorted, saved as CSV; only the rows on screen are in the page. */

import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import { artifactText } from "~/api/client";
import { Icon } from "~/components/Icon";
import { ErrorNotice, Loading } from "~/components/parts";
import { formatBytes, formatCount } from "~/model/format";
import { readTable, type TableBody } from "~/model/media";
import { numericColumns, type TableOrder, toCsv, viewRows } from "~/model/tableView";
import { Download } from "./Picture";

/** A greater table is downloaded. */
const TABLE_BYTES = 8 * 1024 * 1024;
const COLUMNS_MAX = 60;
const ROW_HEIGHT = 30;
const OVERSCAN = 12;

export function MediaTable({ run, path, name }: { run: string; path: string; name: string }) {
  const query = useQuery({
    queryKey: ["artifact-table", run, path],
    queryFn: ({ signal }) => artifactText(run, path, TABLE_BYTES, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const table = useMemo(() => (query.data ? readTable(query.data.text) : undefined), [query.data]);
  if (query.isPending) return <Loading />;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  if (!table) {
    const why = query.data.cut
      ? `It is larger than ${formatBytes(TABLE_BYTES)}.`
      : "It is no table of the hub.";
    return <Download run={run} path={path} why={why} />;
  }
  return <TableView table={table} name={name} />;
}

/** Hands the text to the browser as a file. */
function saveCsv(name: string, text: string) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name.replaceAll("/", "-")}.csv`;
  link.click();
  URL.revokeObjectURL(address);
}

function TableView({ table, name }: { table: TableBody; name: string }) {
  const [text, setText] = useState("");
  const needle = useDeferredValue(text);
  const [order, setOrder] = useState<TableOrder>();
  const places = useMemo(() => viewRows(table, needle, order), [table, needle, order]);
  const { rows, columns } = table;
  return (
    <div className="stack tight">
      <div className="row wrap">
        <input
          type="search"
          className="input search"
          placeholder="Find in the table"
          aria-label={`Find in table ${name}`}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <span className="muted small grow" role="status">
          {places.length === rows.length ? "" : `${formatCount(places.length)} of `}
          {formatCount(rows.length)} rows
          {columns.length > COLUMNS_MAX && `, ${COLUMNS_MAX} of ${formatCount(columns.length)} columns`}
        </span>
        <button type="button" className="button" onClick={() => saveCsv(name, toCsv(table, places))}>
          <Icon name="download" /> CSV
        </button>
      </div>
      <VirtualTable table={table} name={name} places={places} order={order} onOrder={setOrder} />
    </div>
  );
}

function VirtualTable(props: {
  table: TableBody;
  name: string;
  places: readonly number[];
  order: TableOrder | undefined;
  onOrder: (order: TableOrder | undefined) => void;
}) {
  const { table, name, places, order, onOrder } = props;
  const host = useRef<HTMLElement>(null);
  const numeric = useMemo(() => numericColumns(table), [table]);
  const rows = useVirtualizer({
    count: places.length,
    getScrollElement: () => host.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
  });
  const shown = rows.getVirtualItems();
  const before = shown[0]?.start ?? 0;
  const after = rows.getTotalSize() - (shown[shown.length - 1]?.end ?? 0);
  const columns = table.columns.slice(0, COLUMNS_MAX);
  const press = (column: number) => {
    const first = numeric[column] === true;
    if (order?.column !== column) onOrder({ column, descending: first });
    else onOrder(order.descending === first ? { column, descending: !first } : undefined);
  };
  const sortOf = (column: number) =>
    order?.column !== column ? undefined : order.descending ? "descending" : "ascending";
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="media-table" ref={host} aria-label={`Table ${name}`} tabIndex={0}>
      <table className="table" aria-rowcount={places.length + 1}>
        <thead>
          <tr>
            {columns.map((column, i) => (
              <th
                key={`${i}-${column}`}
                scope="col"
                aria-sort={sortOf(i)}
                className={numeric[i] ? "num" : ""}
              >
                <button type="button" className="plain" onClick={() => press(i)}>
                  {column}
                  <span aria-hidden="true">{order?.column === i && (order.descending ? " ↓" : " ↑")}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Room height={before} />}
          {shown.map((row) => (
            <tr key={row.key} aria-rowindex={row.index + 2} style={{ height: ROW_HEIGHT }}>
              {columns.map((column, i) => {
                const cell = table.rows[places[row.index] ?? 0]?.[i] ?? "";
                return (
                  <td key={`${i}-${column}`} className={numeric[i] ? "num" : ""} title={cell}>
                    {cell}
                  </td>
                );
              })}
            </tr>
          ))}
          {after > 0 && <Room height={after} />}
        </tbody>
      </table>
      {places.length === 0 && <p className="muted inside">No row holds this text.</p>}
    </section>
  );
}

/** The room of rows that are not in the page. */
function Room({ height }: { height: number }) {
  return (
    <tr>
      <td style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}
