/** A confusion matrix of many classes on a canvas; the pointer and the arrow keys read cells. */

import { type KeyboardEvent, useCallback, useRef, useState } from "react";
import { useWidth } from "~/components/hooks";
import { type Cells, cellWords } from "~/model/confusion";
import { useCanvas } from "./analysis/useCanvas";
import { css } from "./plotColor";

const SIDE_MAX = 640;

interface Place {
  t: number;
  p: number;
}

function draw(context: CanvasRenderingContext2D, { confusion, shares }: Cells, side: number) {
  const count = confusion.labels.length;
  const cell = side / count;
  context.fillStyle = css("--hover");
  context.fillRect(0, 0, side, side);
  const [red, green, blue] = css("--heat").split(" ");
  for (let t = 0; t < count; t += 1) {
    for (let p = 0; p < count; p += 1) {
      const share = shares[t]?.[p] ?? 0;
      if (share === 0) continue;
      // A square root keeps rare mistakes visible beside the full diagonal.
      context.fillStyle = `rgb(${red} ${green} ${blue} / ${0.12 + 0.88 * Math.sqrt(share)})`;
      context.fillRect(p * cell, t * cell, Math.max(1, cell - 0.4), Math.max(1, cell - 0.4));
    }
  }
}

const STEPS: Record<string, readonly [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export function ConfusionMap({ cells, label }: { cells: Cells; label: string }) {
  const host = useRef<HTMLDivElement>(null);
  const side = Math.min(SIDE_MAX, useWidth(host));
  const count = cells.confusion.labels.length;
  const [at, setAt] = useState<Place>();
  const canvas = useCanvas(
    { width: side, height: side },
    useCallback((context, size) => draw(context, cells, size.width), [cells]),
  );
  const inside = (index: number) => Math.min(count - 1, Math.max(0, index));
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    setAt(at ? { t: inside(at.t + step[0]), p: inside(at.p + step[1]) } : { t: 0, p: 0 });
  };
  return (
    <div ref={host} className="stack tight">
      <button
        type="button"
        className="confusion-map"
        style={{ width: side, height: side }}
        aria-label={`${label} of ${count} classes. The arrow keys go from cell to cell.`}
        onKeyDown={onKeyDown}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const index = (share: number) => inside(Math.floor(share * count));
          setAt({
            t: index((event.clientY - box.top) / box.height),
            p: index((event.clientX - box.left) / box.width),
          });
        }}
        onPointerLeave={() => setAt(undefined)}
      >
        <canvas ref={canvas} style={{ width: side, height: side }} />
        {at && (
          <span
            className="confusion-cell"
            style={{
              left: `${(at.p / count) * 100}%`,
              top: `${(at.t / count) * 100}%`,
              width: `${100 / count}%`,
              height: `${100 / count}%`,
            }}
          />
        )}
      </button>
      <p className="analysis-line small muted" role="status">
        {at ? cellWords(cells, at.t, at.p) : "Point at a cell to read it."}
      </p>
    </div>
  );
}
