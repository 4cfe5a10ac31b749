/** The head of a column: pressed it sorts, pressed with Shift it sorts by one more key. */

import type { OrderKey } from "~/model/order";

/** Of the first key alone: a table is said to be sorted by one column. */
export function ariaSort(order: readonly OrderKey[], by: string): "ascending" | "descending" | undefined {
  const key = order[0];
  if (key?.by !== by) return undefined;
  return key.descending ? "descending" : "ascending";
}

export function SortHead(props: {
  label: string;
  by: string;
  order: readonly OrderKey[];
  press: (more: boolean) => void;
}) {
  const { label, by, order } = props;
  const at = order.findIndex((key) => key.by === by);
  const key = order[at];
  return (
    <button
      type="button"
      className="sort"
      title={`Sort by ${label}; with Shift also by it`}
      onClick={(event) => props.press(event.shiftKey)}
    >
      <span className="truncate">{label}</span>
      {key && (
        <span aria-hidden="true" className="sort-mark">
          {key.descending ? "↓" : "↑"}
          {order.length > 1 && <sub>{at + 1}</sub>}
        </span>
      )}
    </button>
  );
}
