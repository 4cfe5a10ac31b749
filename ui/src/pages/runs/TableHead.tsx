/** The heads of the runs table: press to sort, a menu for everything else, an edge to drag for the width. */

import { type DragEvent, type ReactNode, useState } from "react";
import type { OrderKey } from "~/model/order";
import { NAME_COLUMN, type PlacedColumn } from "~/model/placing";
import { ColumnMenu } from "./ColumnMenu";
import { ColumnResizer } from "./ColumnResizer";
import type { Shown } from "./RunsTable";
import { ariaSort, SortHead } from "./SortHead";
import type { Curves } from "./useCurves";

/** What can be done to a column from its head. */
export interface ColumnActions {
  sort: (by: string, first: "asc" | "desc", more: boolean) => void;
  sortTo: (by: string, descending: boolean) => void;
  resize: (id: string, width: number) => void;
  /** To before the column at a place. */
  move: (id: string, to: number) => void;
  pin: (id: string) => void;
  hide: (id: string) => void;
  curve: (id: string) => void;
  group: (id: string) => void;
}

export interface HeadProps {
  shown: Shown;
  grouped: boolean;
  order: readonly OrderKey[];
  actions: ColumnActions;
  curves: Curves;
  columns: readonly PlacedColumn[];
  all: ReactNode;
}

const DRAGGED = "application/x-mlhub-column";

/** A column is dropped before the head it is let go on. */
function useDropping(column: PlacedColumn, actions: ColumnActions) {
  const [over, setOver] = useState(false);
  const isOurs = (event: DragEvent) => event.dataTransfer.types.includes(DRAGGED);
  return {
    over,
    handlers: {
      onDragOver: (event: DragEvent) => {
        if (!isOurs(event)) return;
        event.preventDefault();
        setOver(true);
      },
      onDragLeave: () => setOver(false),
      onDrop: (event: DragEvent) => {
        setOver(false);
        const id = event.dataTransfer.getData(DRAGGED);
        if (!id) return;
        event.preventDefault();
        actions.move(id, column.at);
      },
    },
  };
}

function ColumnHead({ column, left, ...props }: HeadProps & { column: PlacedColumn; left?: number }) {
  const { order, actions, grouped, curves } = props;
  const { over, handlers } = useDropping(column, actions);
  return (
    <th
      scope="col"
      className={`${column.pinned ? "pin-more" : ""} ${column.numeric ? "num" : ""} ${over ? "drop" : ""}`.trim()}
      style={left === undefined ? undefined : { left }}
      aria-sort={ariaSort(order, column.id)}
      aria-colindex={column.at + 3}
      title={column.id === column.label ? column.label : `${column.label}\n${column.id}`}
      {...handlers}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the menu beside it moves columns by keyboard */}
      <div
        className="head"
        draggable
        onDragStart={(event) => {
          event.dataTransfer.setData(DRAGGED, column.id);
          event.dataTransfer.effectAllowed = "move";
        }}
      >
        <SortHead
          label={column.label}
          by={column.id}
          order={order}
          press={(more) => actions.sort(column.id, column.first, more && !grouped)}
        />
        <ColumnMenu
          column={column}
          columns={props.columns}
          actions={actions}
          grouped={grouped}
          curve={curves.shows(column)}
        />
      </div>
      <ColumnResizer
        name={column.label}
        width={column.width}
        resize={(width) => actions.resize(column.id, width)}
      />
    </th>
  );
}

/** The name's column counts runs when they are grouped. */
function NameHead({ shown, grouped, order, actions }: HeadProps) {
  const name = grouped
    ? { id: "runs", label: "Runs", first: "desc" as const }
    : { id: "name", label: "Name", first: "asc" as const };
  return (
    <th scope="col" className="pin-2" aria-sort={ariaSort(order, name.id)} aria-colindex={2}>
      <div className="head">
        <SortHead
          label={name.label}
          by={name.id}
          order={order}
          press={(more) => actions.sort(name.id, name.first, more && !grouped)}
        />
      </div>
      <ColumnResizer
        name={name.label}
        width={shown.nameWidth}
        resize={(width) => actions.resize(NAME_COLUMN, width)}
      />
    </th>
  );
}

export function TableHead(props: HeadProps) {
  const { shown } = props;
  return (
    <tr aria-rowindex={1}>
      <th scope="col" className="pin" aria-colindex={1}>
        {props.all}
      </th>
      <NameHead {...props} />
      {shown.pinned.map((column, i) => (
        <ColumnHead key={column.id} {...props} column={column} left={shown.lefts[i] ?? 0} />
      ))}
      {shown.before > 0 && <td className="filler" />}
      {shown.columns.map((column) => (
        <ColumnHead key={column.id} {...props} column={column} />
      ))}
      {shown.after > 0 && <td className="filler" />}
      <td className="filler" />
    </tr>
  );
}
