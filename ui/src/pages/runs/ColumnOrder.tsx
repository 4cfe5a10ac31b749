/** The columns shown, in their order: dragged with the pointer, or picked up with the keyboard. */

import { Button } from "react-aria-components/Button";
import { GridList, GridListItem } from "react-aria-components/GridList";
import { useDragAndDrop } from "react-aria-components/useDragAndDrop";
import { Icon } from "~/components/Icon";
import { columnOf, joinColumns, toggleColumn } from "~/model/columns";
import { formatCount } from "~/model/format";

/** More columns than this are put in order in the table's heads. */
const LISTED_MAX = 100;

export function ColumnOrder(props: { shown: readonly string[]; change: (cols: string) => void }) {
  const { shown, change } = props;
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: (keys) => [...keys].map((key) => ({ "text/plain": String(key) })),
    onReorder: ({ keys, target }) => {
      const ids = [...keys].map(String);
      const rest = shown.filter((id) => !ids.includes(id));
      const at = rest.indexOf(String(target.key)) + (target.dropPosition === "after" ? 1 : 0);
      change(joinColumns([...rest.slice(0, at), ...ids, ...rest.slice(at)]));
    },
  });
  const items = shown.slice(0, LISTED_MAX).flatMap((id) => columnOf(id) ?? []);
  if (items.length === 0) return null;
  return (
    <div>
      <div className="nav-title">Shown, in this order</div>
      <GridList
        className="column-order"
        aria-label="Columns in their order"
        items={items}
        dragAndDropHooks={dragAndDropHooks}
      >
        {(column) => (
          <GridListItem id={column.id} textValue={column.label} className="column-item">
            <Button slot="drag" className="grip" aria-label={`Move ${column.label}`}>
              <Icon name="grip" size={14} />
            </Button>
            <span className="truncate grow">{column.label}</span>
            <Button
              className="head-menu shown"
              aria-label={`Hide ${column.label}`}
              onPress={() => change(toggleColumn(shown, column.id))}
            >
              <Icon name="close" size={12} />
            </Button>
          </GridListItem>
        )}
      </GridList>
      {shown.length > LISTED_MAX && (
        <span className="faint small">and {formatCount(shown.length - LISTED_MAX)} more</span>
      )}
    </div>
  );
}
