/** What the heads of the table do to the address. */

import { useMemo } from "react";
import { joinColumns, NO_CURVES, toggleColumn } from "~/model/columns";
import { pressed, readOrder, writeOrder } from "~/model/order";
import { moved, switched, writeWidths } from "~/model/placing";
import { type RunsSearch, toggleGroup } from "~/model/search";
import type { ColumnActions } from "./TableHead";
import type { Rows } from "./useRows";

export function useColumnActions(
  rows: Rows,
  search: RunsSearch,
  change: (next: Partial<RunsSearch>) => void,
): ColumnActions {
  const { chosen, columns, widths, curved } = rows;
  return useMemo(() => {
    const ids = chosen.map((column) => column.id);
    return {
      sort: (by, first, more) =>
        change({ sort: writeOrder(pressed(readOrder(search.sort), by, first, more)) }),
      sortTo: (by, descending) => change({ sort: writeOrder([{ by, descending }]) }),
      resize: (id, width) => change({ widths: writeWidths(new Map([...widths, [id, width]])) }),
      move: (id, to) => {
        // Places count pinned columns first; the order chosen is changed to the one on screen.
        const order = moved(
          columns.map((column) => column.id),
          id,
          to,
        );
        const pins = new Set(columns.filter((column) => column.pinned).map((column) => column.id));
        const target = columns[to];
        if (target && target.id !== id) pins[target.pinned ? "add" : "delete"](id);
        change({ cols: joinColumns(order), pins: [...pins].join(",") || undefined });
      },
      pin: (id) => change({ pins: switched(search.pins, id) }),
      hide: (id) => change({ cols: toggleColumn(ids, id) }),
      curve: (id) => {
        const next = switched(joinColumns(curved.map((column) => column.id)), id);
        change({ curves: next ?? NO_CURVES });
      },
      group: (id) => change({ group: toggleGroup(search.group, id) }),
    };
  }, [chosen, columns, widths, curved, search.sort, search.pins, search.group, change]);
}
