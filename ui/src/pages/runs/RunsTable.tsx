/** The runs table: only lines on screen exist, and more are asked for as the end comes near. */

import { type ColumnDef, flexRender, getCoreRowModel, type Row, useReactTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import type { RunGroup } from "~/api/types";
import type { TableColumn } from "~/model/columns";
import { type OrderKey, pressed } from "~/model/order";
import { CheckCell } from "./CheckCell";
import { NameCell, ValueCell } from "./cells";
import type { RunLine, Selection } from "./lines";
import { ariaSort, SortHead } from "./SortHead";

const ROW_HEIGHT = 34;
const GROUP_HEIGHT = 46;
const OVERSCAN = 12;
/** Lines from the end at which the next page is asked for. */
const NEAR_END = 20;
const CHECK_WIDTH = 40;
const NAME_WIDTH = 250;
const GROUP_NAME_WIDTH = 210;

interface Props {
  lines: readonly RunLine[];
  columns: readonly TableColumn[];
  grouped: boolean;
  order: readonly OrderKey[];
  sort: (keys: OrderKey[]) => void;
  selection: Selection;
  fold: (group: RunGroup) => void;
  now: number;
  more: (() => void) | undefined;
  /** Another answer is on its way. */
  stale: boolean;
}

function useColumns(props: Props): ColumnDef<RunLine>[] {
  const { columns, grouped, selection, fold, now } = props;
  return useMemo(() => {
    const ids = columns.map((column) => column.id);
    return [
      {
        id: "check",
        size: CHECK_WIDTH,
        cell: ({ row }) => <CheckCell line={row.original} selection={selection} columns={ids} />,
      },
      {
        id: "name",
        size: grouped ? GROUP_NAME_WIDTH : NAME_WIDTH,
        cell: ({ row }) => <NameCell line={row.original} fold={fold} />,
      },
      ...columns.map(
        (column): ColumnDef<RunLine> => ({
          id: `column:${column.id}`,
          size: column.width,
          cell: ({ row }) => <ValueCell line={row.original} column={column} now={now} />,
        }),
      ),
    ];
  }, [columns, grouped, selection, fold, now]);
}

function rowClass(line: RunLine, selection: Selection): string {
  if (line.kind === "group") return "group";
  if (line.kind !== "run") return "in-group";
  return [line.nested && "in-group", selection.ids.has(line.run.id) && "selected"].filter(Boolean).join(" ");
}

function pinClass(id: string): string {
  return id === "check" ? "pin" : id === "name" ? "pin-2" : "";
}

function cellClass(id: string, columns: readonly TableColumn[]): string {
  const column = columns.find((one) => `column:${one.id}` === id);
  return `${pinClass(id)} ${column?.numeric ? "num" : ""}`.trim();
}

/** The heads, each a key to sort by; the name's column counts runs when they are grouped. */
function Heads({ columns, grouped, order, sort }: Pick<Props, "columns" | "grouped" | "order" | "sort">) {
  const name = grouped
    ? { id: "runs", label: "Runs", first: "desc" as const }
    : { id: "name", label: "Name", first: "asc" as const };
  const heads = [
    { ...name, numeric: false, pin: "pin-2" },
    ...columns.map((column) => ({ ...column, pin: "" })),
  ];
  return (
    <tr aria-rowindex={1}>
      <th scope="col" className="pin">
        <span className="visually-hidden">Check</span>
      </th>
      {heads.map((head) => (
        <th
          key={head.id}
          scope="col"
          className={`${head.pin} ${head.numeric ? "num" : ""}`.trim()}
          aria-sort={ariaSort(order, head.id)}
          title={head.id === head.label ? head.label : `${head.label}\n${head.id}`}
        >
          <SortHead
            label={head.label}
            by={head.id}
            order={order}
            press={(more) => sort(pressed(order, head.id, head.first, more && !grouped))}
          />
        </th>
      ))}
    </tr>
  );
}

export function RunsTable(props: Props) {
  const { lines, columns, more } = props;
  const scroller = useRef<HTMLElement>(null);
  const table = useReactTable<RunLine>({
    data: lines as RunLine[],
    columns: useColumns(props),
    getCoreRowModel: getCoreRowModel(),
    getRowId: (line) => line.key,
    manualSorting: true,
  });
  const rows = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => (lines[at]?.kind === "group" ? GROUP_HEIGHT : ROW_HEIGHT),
    getItemKey: (at) => `${lines[at]?.kind}:${lines[at]?.key ?? at}`,
    overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => {
    if (more && last >= rows.length - NEAR_END) more();
  }, [more, last, rows.length]);
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items[items.length - 1]?.end ?? 0);
  return (
    <section
      className={`runs-scroll ${props.stale ? "stale" : ""}`}
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      aria-label="Runs"
      aria-busy={props.stale}
    >
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
          <Heads {...props} />
        </thead>
        <tbody>
          {before > 0 && <Spacer height={before} columns={columns.length + 2} />}
          {items.map((item) => {
            const row = rows[item.index];
            return row && <Body key={row.id} row={row} at={item.index} {...props} />;
          })}
          {after > 0 && <Spacer height={after} columns={columns.length + 2} />}
        </tbody>
      </table>
    </section>
  );
}

function Body({ row, at, columns, selection }: { row: Row<RunLine>; at: number } & Props) {
  return (
    <tr className={rowClass(row.original, selection)} aria-rowindex={at + 2}>
      {row.getVisibleCells().map((cell) => (
        <td key={cell.id} className={cellClass(cell.column.id, columns)}>
          {flexRender(cell.column.columnDef.cell, cell.getContext())}
        </td>
      ))}
    </tr>
  );
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr className="spacer">
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}
