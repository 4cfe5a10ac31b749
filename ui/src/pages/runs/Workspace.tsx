/** The table at the left, the charts at the right, and the edge between them. On narrow screens they stand one above the other. */

import { type CSSProperties, type ReactNode, useRef, useState } from "react";
import { Splitter } from "~/components/Splitter";
import { type Show, SPLIT_DEFAULT, SPLIT_MAX, SPLIT_MIN } from "~/model/search";

interface Props {
  show: Show;
  split: number | undefined;
  change: (split: number | undefined) => void;
  table: ReactNode;
  charts: ReactNode;
}

export function Workspace({ show, split, change, table, charts }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const [moving, setMoving] = useState<number>();
  if (show === "table") return table;
  if (show === "charts") return charts;
  const share = moving ?? split ?? SPLIT_DEFAULT;
  return (
    <div className="workspace" ref={host} style={{ "--split": `${share}%` } as CSSProperties}>
      <div className="workspace-first">{table}</div>
      <Splitter
        label="Width of the table"
        value={share}
        min={SPLIT_MIN}
        max={SPLIT_MAX}
        host={host}
        onMove={setMoving}
        onEnd={(next) => {
          setMoving(undefined);
          change(next === SPLIT_DEFAULT ? undefined : next);
        }}
      />
      <div className="workspace-second">{charts}</div>
    </div>
  );
}
