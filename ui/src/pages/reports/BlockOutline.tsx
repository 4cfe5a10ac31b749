/** The blocks by name, in their order: dragged by mouse, by touch, or by keyboard. */

import type { Dispatch } from "react";
import { Button } from "react-aria-components/Button";
import { GridList, GridListItem } from "react-aria-components/GridList";
import { useDragAndDrop } from "react-aria-components/useDragAndDrop";
import { blockTitle, type ReportBlock } from "~/model/report";
import type { Edit } from "~/model/reportEdit";

export function BlockOutline(props: { blocks: readonly ReportBlock[]; dispatch: Dispatch<Edit> }) {
  const { blocks, dispatch } = props;
  const items = blocks.map((block) => ({ id: block.key, title: blockTitle(block) }));
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: (keys) => [...keys].map((key) => ({ "text/plain": String(key) })),
    onReorder: ({ keys, target }) => {
      const key = String([...keys][0] ?? "");
      const rest = blocks.filter((block) => block.key !== key);
      const at = rest.findIndex((block) => block.key === String(target.key));
      dispatch({ type: "move", key, to: target.dropPosition === "before" ? at : at + 1 });
    },
  });
  if (blocks.length === 0) return <div />;
  return (
    <aside className="block-outline">
      <h2 className="small muted">Order</h2>
      <GridList aria-label="Blocks in their order" items={items} dragAndDropHooks={dragAndDropHooks}>
        {(item) => (
          <GridListItem textValue={item.title} className="block-line">
            <Button slot="drag" className="drag-handle" aria-label={`Move ${item.title}`}>
              <span aria-hidden="true">⠿</span>
            </Button>
            <a href={`#block-${item.id}`} className="truncate">
              {item.title}
            </a>
          </GridListItem>
        )}
      </GridList>
    </aside>
  );
}
