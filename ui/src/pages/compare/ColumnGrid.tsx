/** A table of things by runs: rows and columns beyond the screen are not drawn, the first column and the head stay. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type ReactNode, useRef } from "react";
import { useWidth } from "~/components/hooks";

export interface GridColumn {
  id: string;
  head: ReactNode;
}

export interface GridRow {
  key: string;
  head: ReactNode;
  /** A row that names what follows has no cells. */
  cell?: (column: number) => ReactNode;
  /** Classes of a cell. */
  tone?: (column: number) => string;
}

interface Props {
  label: string;
  corner: ReactNode;
  columns: readonly GridColumn[];
  rows: readonly GridRow[];
  rowHeight: number;
  columnWidth?: number;
}

const COLUMN_WIDTH = 180;
const HEAD_WIDTH_MAX = 260;
const HEAD_SHARE = 0.42;
const OVERSCAN = 4;

/** What is left out before and after the drawn items. */
function spare(items: readonly { start: number; end: number }[], total: number): [number, number] {
  return [items[0]?.start ?? 0, Math.max(0, total - (items.at(-1)?.end ?? 0))];
}

function useGrid(props: Props) {
  const { columns, rows, rowHeight } = props;
  const host = useRef<HTMLElement>(null);
  const width = useWidth(host);
  const head = Math.min(HEAD_WIDTH_MAX, Math.round(width * HEAD_SHARE));
  const least = props.columnWidth ?? COLUMN_WIDTH;
  // Few columns share the room there is.
  const size = Math.max(least, Math.floor((width - head - 2) / Math.max(1, columns.length)));
  const down = useVirtualizer({
    count: rows.length,
    getScrollElement: () => host.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN * 2,
  });
  const across = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => host.current,
    estimateSize: () => size,
    overscan: OVERSCAN,
  });
  const measured = useRef(0);
  if (measured.current !== size) {
    measured.current = size;
    across.measure();
  }
  return { host, head, size, down, across };
}

export function ColumnGrid(props: Props) {
  const { label, corner, columns, rows, rowHeight } = props;
  const { host, head, size, down, across } = useGrid(props);
  const [before, after] = spare(across.getVirtualItems(), across.getTotalSize());
  const [above, below] = spare(down.getVirtualItems(), down.getTotalSize());
  const shown = across.getVirtualItems();
  const span = shown.length + 1 + Number(before > 0) + Number(after > 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="column-grid" ref={host} aria-label={label} tabIndex={0}>
      <table
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length + 1}
        style={{ width: head + across.getTotalSize() }}
      >
        <colgroup>
          <col style={{ width: head }} />
          {before > 0 && <col style={{ width: before }} />}
          {shown.map((item) => (
            <col key={item.key} style={{ width: size }} />
          ))}
          {after > 0 && <col style={{ width: after }} />}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className="pinned">
              {corner}
            </th>
            {before > 0 && <td />}
            {shown.map((item) => (
              <th key={columns[item.index]?.id} scope="col" aria-colindex={item.index + 2}>
                {columns[item.index]?.head}
              </th>
            ))}
            {after > 0 && <td />}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Gap span={span} height={above} />}
          {down.getVirtualItems().map((line) => {
            const row = rows[line.index];
            if (!row) return null;
            return (
              <Row
                key={row.key}
                row={row}
                index={line.index}
                height={rowHeight}
                shown={shown.map((item) => item.index)}
                before={before > 0}
                after={after > 0}
              />
            );
          })}
          {below > 0 && <Gap span={span} height={below} />}
        </tbody>
      </table>
    </section>
  );
}

function Gap({ span, height }: { span: number; height: number }) {
  return (
    <tr style={{ height }}>
      <td colSpan={span} />
    </tr>
  );
}

function Row(props: {
  row: GridRow;
  index: number;
  height: number;
  shown: readonly number[];
  before: boolean;
  after: boolean;
}) {
  const { row, shown, before, after } = props;
  const style: CSSProperties = { height: props.height };
  const { cell } = row;
  if (!cell) {
    return (
      <tr className="grouping" style={style} aria-rowindex={props.index + 2}>
        <th scope="rowgroup" className="pinned">
          {row.head}
        </th>
        <td colSpan={shown.length + Number(before) + Number(after)} />
      </tr>
    );
  }
  return (
    <tr style={style} aria-rowindex={props.index + 2}>
      <th scope="row" className="pinned">
        {row.head}
      </th>
      {before && <td />}
      {shown.map((column) => (
        <td key={column} className={row.tone?.(column) ?? ""}>
          {cell(column)}
        </td>
      ))}
      {after && <td />}
    </tr>
  );
}
