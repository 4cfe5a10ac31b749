/** The menu of a column. */

import { Icon } from "~/components/Icon";
import { ActionMenu, type MenuAction } from "~/components/Menu";
import { curveMetric } from "~/model/columns";
import type { PlacedColumn } from "~/model/placing";
import type { ColumnActions } from "./TableHead";

interface Props {
  column: PlacedColumn;
  columns: readonly PlacedColumn[];
  actions: ColumnActions;
  grouped: boolean;
  /** Whether its cells show a curve. */
  curve: boolean;
}

function itemsOf({ column, columns, actions, grouped, curve }: Props): MenuAction[] {
  const { id, at, pinned } = column;
  const group = columns.filter((one) => one.pinned === pinned);
  const first = group[0]?.at === at;
  const last = group[group.length - 1]?.at === at;
  const items: (MenuAction | false)[] = [
    {
      id: "asc",
      label: column.numeric ? "Smallest first" : "A to Z",
      run: () => actions.sortTo(id, false),
    },
    {
      id: "desc",
      label: column.numeric ? "Largest first" : "Z to A",
      run: () => actions.sortTo(id, true),
    },
    !grouped &&
      curveMetric(column) !== undefined && {
        id: "curve",
        label: curve ? "Hide curves" : "Show curves",
        run: () => actions.curve(id),
      },
    column.kind !== "metric" && {
      id: "group",
      label: "Group by it",
      run: () => actions.group(id),
    },
    !grouped && {
      id: "pin",
      label: pinned ? "Unpin" : "Pin at the left",
      run: () => actions.pin(id),
    },
    !grouped && !first && { id: "left", label: "Move left", run: () => actions.move(id, at - 1) },
    !grouped && !last && { id: "right", label: "Move right", run: () => actions.move(id, at + 1) },
    !grouped && { id: "hide", label: "Hide", run: () => actions.hide(id) },
  ];
  return items.filter((item) => item !== false);
}

export function ColumnMenu(props: Props) {
  return (
    <ActionMenu
      label={`Column ${props.column.label}`}
      button={<Icon name="more" size={14} />}
      className="head-menu"
      actions={itemsOf(props)}
    />
  );
}
