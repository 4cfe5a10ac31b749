/** Runs as dots over any two columns; the arrow keys go from dot to dot. */

import { type KeyboardEvent, type PointerEvent, useCallback, useMemo, useRef, useState } from "react";
import { useWidth } from "~/components/hooks";
import { type AnalysisColumn, type AnalysisRow, readCell } from "~/model/analysis";
import type { ScatterState } from "~/model/analysisState";
import { cellText } from "~/model/axis";
import { formatNumber, plural } from "~/model/format";
import { buildScatter, type Dot, nearestDot, type ScatterModel } from "~/model/scatter";
import { areaOf, dotPixel, drawPointed, drawScatter, SCATTER } from "./drawScatter";
import { RampLegend } from "./RampLegend";
import { type Size, useCanvas } from "./useCanvas";

const REACH = 16;
const TIP_WIDTH = 230;

export interface ScatterProps {
  rows: readonly AnalysisRow[];
  columns: readonly AnalysisColumn[];
  state: ScatterState;
  onHover?: ((id: string | undefined) => void) | undefined;
  onOpen?: ((id: string) => void) | undefined;
  hovered?: string | undefined;
}

export function Scatter(props: ScatterProps) {
  const { rows, columns, state } = props;
  const model = useMemo(() => buildScatter(columns, rows, state), [columns, rows, state]);
  if (!model) return <p className="muted">Choose a column for each axis.</p>;
  return (
    <div className="stack tight">
      <Drawing {...props} model={model} />
      <Foot model={model} front={state.front !== null} />
    </div>
  );
}

/** The dots from left to right, as the arrow keys visit them. */
function useWalk(model: ScatterModel, point: (dot: Dot | undefined) => void) {
  const order = useMemo(() => [...model.dots].sort((a, b) => a.x - b.x || a.y - b.y), [model]);
  return (event: KeyboardEvent, from: Dot | undefined) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (by === undefined || order.length === 0) return;
    event.preventDefault();
    const at = from ? order.findIndex((dot) => dot.row.id === from.row.id) + by : 0;
    point(order[Math.min(order.length - 1, Math.max(0, at))]);
  };
}

function Drawing(props: ScatterProps & { model: ScatterModel }) {
  const { model, onHover, onOpen, hovered, rows } = props;
  const host = useRef<HTMLDivElement>(null);
  const size = { width: useWidth(host), height: SCATTER.height };
  const [ownId, setOwnId] = useState<string>();
  const id = ownId ?? hovered;
  const pointed = useMemo(() => model.dots.find((dot) => dot.row.id === id), [model, id]);
  const point = (dot: Dot | undefined) => {
    if (dot?.row.id === ownId) return;
    setOwnId(dot?.row.id);
    onHover?.(dot?.row.id);
  };
  const walk = useWalk(model, point);
  const dots = useCanvas(
    size,
    useCallback((context, at) => drawScatter(context, model, at), [model]),
  );
  const over = useCanvas(
    size,
    useCallback((context, at) => pointed && drawPointed(context, model, pointed, at), [model, pointed]),
  );
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = { x: event.clientX - box.left - SCATTER.left, y: event.clientY - box.top - SCATTER.top };
    point(nearestDot(model.dots, at, areaOf(size), REACH));
  };
  return (
    <div className="scatter" ref={host} style={{ height: SCATTER.height }}>
      <button
        type="button"
        className={`scatter-drawing ${pointed ? "pointed" : ""}`}
        aria-label={`${plural(model.dots.length, "run")}: ${model.y.column.label} over ${model.x.column.label}. Arrow keys go from run to run, Enter opens it.`}
        onPointerMove={onPointerMove}
        onPointerLeave={() => point(undefined)}
        onBlur={() => point(undefined)}
        onKeyDown={(event) => walk(event, pointed)}
        onClick={() => pointed && onOpen?.(pointed.row.id)}
      >
        <canvas ref={dots} style={{ width: size.width, height: size.height }} />
        <canvas ref={over} style={{ width: size.width, height: size.height }} />
      </button>
      {model.dots.length === 0 && (
        <p className="plot-message muted">
          {rows.length === 0 ? "There are no runs." : "No run has a value on both axes."}
        </p>
      )}
      <Tip model={model} dot={pointed} size={size} />
    </div>
  );
}

function Tip({ model, dot, size }: { model: ScatterModel; dot: Dot | undefined; size: Size }) {
  const columns = [model.x, model.y, model.color, model.size].flatMap((axis) => (axis ? [axis.column] : []));
  const unique = columns.filter((column, i) => columns.findIndex((one) => one.id === column.id) === i);
  const at = dot ? dotPixel(dot, size) : { x: 0, y: 0 };
  const left = at.x + TIP_WIDTH > size.width ? Math.max(0, at.x - TIP_WIDTH - 14) : at.x + 14;
  return (
    <div
      role="status"
      className={dot ? "plot-tip shown" : "plot-tip"}
      style={{ left, top: Math.max(0, at.y - 30) }}
    >
      {dot && (
        <>
          <b>{dot.row.name}</b>
          {unique.map((column) => (
            <div className="line" key={column.id}>
              <span className="muted truncate">{column.label}</span>
              <b>{cellText(readCell(dot.row.values[column.id], column.numeric))}</b>
            </div>
          ))}
        </>
      )}
    </div>
  );
}

/** Dots that are drawn without the colour or size they should have. */
function Unmarked({ model }: { model: ScatterModel }) {
  const grey = model.color ? model.dots.filter((dot) => dot.shade === undefined).length : 0;
  const small = model.size ? model.dots.filter((dot) => dot.size === undefined).length : 0;
  return (
    <>
      {grey > 0 && <span className="badge warn">{plural(grey, "run")} without a colour’s value: grey</span>}
      {small > 0 && (
        <span className="badge warn">{plural(small, "run")} without a size’s value: smallest</span>
      )}
    </>
  );
}

/** What is left out, what the line says, which runs the front is made of. */
function Foot({ model, front }: { model: ScatterModel; front: boolean }) {
  const both = model.x.scale !== "category" && model.y.scale !== "category";
  const logs = [model.x, model.y].some((axis) => axis.scale === "log");
  return (
    <div className="row wrap small analysis-foot muted">
      <span>{plural(model.dots.length, "run")} drawn</span>
      <Unmarked model={model} />
      {model.left.length > 0 && <span className="badge warn">not drawn: {model.left.join("; ")}</span>}
      {front && (
        <span>
          {both
            ? `${plural(model.front.length, "run")} on the Pareto front`
            : "A Pareto front needs numbers on both axes."}
        </span>
      )}
      {model.line && (
        <span title="Least squares on the axes as drawn">
          line: R² {formatNumber(model.line.r2, 3)}, n {model.line.n}
          {logs && ", in logarithms"}
        </span>
      )}
      {model.size && (
        <span>
          area: {model.size.column.label}
          {model.size.scale !== "category" &&
            `, ${formatNumber(model.size.domain[0])} to ${formatNumber(model.size.domain[1])}`}
        </span>
      )}
      <span className="grow" />
      {model.color && <RampLegend axis={model.color} />}
    </div>
  );
}
