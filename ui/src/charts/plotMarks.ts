/** Marks where a value was not finite: NaN at the bottom edge, infinities at the edge they go past. */

import type uPlot from "uplot";
import type { Mark } from "~/model/series";
import type { PlotSpec } from "./plot";
import { css } from "./plotColor";

const SIZE = 5;

/** A triangle with its base on an edge, or, for infinities, its tip. */
function triangle(ctx: CanvasRenderingContext2D, x: number, base: number, tip: number, size: number): void {
  ctx.beginPath();
  ctx.moveTo(x, tip);
  ctx.lineTo(x - size, base);
  ctx.lineTo(x + size, base);
  ctx.fill();
}

export function marksPlugin(read: () => readonly Mark[], spec: PlotSpec): uPlot.Plugin {
  // Colours by series: of its line, since edges come before it.
  const colors: string[] = [];
  for (const line of spec.lines) if (line.role === "line") colors.push(line.color);
  return {
    hooks: {
      draw: (plot) => {
        const { ctx, bbox } = plot;
        const size = SIZE * devicePixelRatio;
        const bottom = bbox.top + bbox.height;
        ctx.save();
        for (const mark of read()) {
          const x = plot.valToPos(mark.x, "x", true);
          if (x < bbox.left || x > bbox.left + bbox.width) continue;
          ctx.fillStyle = css(colors[mark.series] ?? "--bad");
          if (mark.what === "nan") triangle(ctx, x, bottom, bottom - size * 1.7, size);
          else if (mark.what === "inf") triangle(ctx, x, bbox.top + size * 1.7, bbox.top, size);
          else triangle(ctx, x, bottom - size * 1.7, bottom, size);
        }
        ctx.restore();
      },
    },
  };
}
