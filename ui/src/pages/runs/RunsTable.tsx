/** The runs table: only rows on screen exist, and more are asked for as the end comes near. */

import { type ColumnDef, flexRender, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import type { RunSummary } from "~/api/types";
import type { TableColumn } from "~/model/columns";
import type { TableRow } from "~/model/groups";
import { CheckCell, isNumeric, NameCell, ValueCell } from "./cells";

const ROW_HEIGHT = 34;
const OVERSCAN = 12;
/** Rows from the end at which the next page is asked for. */
const NEAR_END = 20;

type Line = TableRow<RunSummary>;

interface Props {
  lines: readonly Line[];
  columns: readonly TableColumn[];
  sort: string | undefined;
  order: string | undefined;
  onSort: (column: string) => void;
  selected: ReadonlySet<string>;
  select: (ids: string | readonly string[], on?: boolean) => void;
  toggleOpen: (group: string) => void;
  colors: ReadonlyMap<string, number>;
  now: number;
  more: (() => void) | undefined;
}

const CHECK_WIDTH = 40;
const NAME_WIDTH = 250;

function SortHead({
  column,
  sort,
  order,
  onSort,
}: { column: { label: string; sort: string | undefined } } & Pick<Props, "sort" | "order" | "onSort">) {
  const key = column.sort;
  if (key === undefined) return <span className="truncate">{column.label}</span>;
  const on = sort === key;
  return (
    <button type="button" className="sort" title={`Sort by ${column.label}`} onClick={() => onSort(key)}>
      <span className="truncate">{column.label}</span>
      {on && <span aria-hidden="true">{order === "asc" ? "↑" : "↓"}</span>}
    </button>
  );
}

function ariaSort(
  key: string | undefined,
  props: Pick<Props, "sort" | "order">,
): "ascending" | "descending" | undefined {
  if (key === undefined || props.sort !== key) return undefined;
  return props.order === "asc" ? "ascending" : "descending";
}

function useColumns(props: Props): ColumnDef<Line>[] {
  const { columns, selected, select, toggleOpen, colors, now } = props;
  return useMemo(
    () => [
      {
        id: "check",
        size: CHECK_WIDTH,
        header: () => <span className="visually-hidden">Check to compare</span>,
        cell: ({ row }) => <CheckCell line={row.original} selected={selected} select={select} />,
      },
      {
        id: "name",
        size: NAME_WIDTH,
        header: "Name",
        cell: ({ row }) => <NameCell line={row.original} colors={colors} toggleOpen={toggleOpen} />,
      },
      ...columns.map(
        (column): ColumnDef<Line> => ({
          id: column.id,
          size: column.width,
          header: column.label,
          cell: ({ row }) => <ValueCell line={row.original} column={column} now={now} />,
        }),
      ),
    ],
    [columns, selected, select, toggleOpen, colors, now],
  );
}

function rowClass(line: Line, selected: ReadonlySet<string>): string {
  if (line.kind === "group") return line.runs.every((run) => selected.has(run.id)) ? "selected" : "";
  return [line.inGroup && "in-group", selected.has(line.run.id) && "selected"].filter(Boolean).join(" ");
}

function pinClass(id: string): string {
  return id === "check" ? "pin" : id === "name" ? "pin-2" : "";
}

export function RunsTable(props: Props) {
  const { lines, columns, more } = props;
  const scroller = useRef<HTMLElement>(null);
  const table = useReactTable<Line>({
    data: lines as Line[],
    columns: useColumns(props),
    getCoreRowModel: getCoreRowModel(),
    getRowId: (line) => line.key,
    manualSorting: true,
  });
  const rows = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => {
    if (more && last >= rows.length - NEAR_END) more();
  }, [more, last, rows.length]);
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items[items.length - 1]?.end ?? 0);
  const byId = new Map(columns.map((column) => [column.id, column]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="runs-scroll" ref={scroller} tabIndex={0} aria-label="Runs">
      <table
        className="runs-table"
        style={{ width: table.getTotalSize(), minWidth: "100%" }}
        aria-rowcount={rows.length + 1}
      >
        <colgroup>
          {table.getVisibleLeafColumns().map((column) => (
            <col key={column.id} style={{ width: column.getSize() }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {table.getFlatHeaders().map((header) => {
              const column =
                byId.get(header.id) ?? (header.id === "name" ? { label: "Name", sort: "name" } : undefined);
              const numeric = isNumeric(byId.get(header.id)) ? "num" : "";
              return (
                <th
                  key={header.id}
                  scope="col"
                  className={`${pinClass(header.id)} ${numeric}`}
                  aria-sort={ariaSort(column?.sort, props)}
                  title={column?.label}
                >
                  {column ? (
                    <SortHead column={column} sort={props.sort} order={props.order} onSort={props.onSort} />
                  ) : (
                    flexRender(header.column.columnDef.header, header.getContext())
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Spacer height={before} columns={columns.length + 2} />}
          {items.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <tr
                key={row.id}
                className={rowClass(row.original, props.selected)}
                aria-rowindex={item.index + 2}
              >
                {row.getVisibleCells().map((cell) => (
                  <td
                    key={cell.id}
                    className={`${pinClass(cell.column.id)} ${isNumeric(byId.get(cell.column.id)) ? "num" : ""}`}
                  >
                    {flexRender(cell.column.columnDef.cell, cell.getContext())}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && <Spacer height={after} columns={columns.length + 2} />}
        </tbody>
      </table>
    </section>
  );
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr className="spacer">
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}
