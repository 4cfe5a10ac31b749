/** Parallel coordinates: a line per run through the axes, brushed on any of them. */

import { type PointerEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useWidth } from "~/components/hooks";
import { type AnalysisColumn, type AnalysisRow, readCell } from "~/model/analysis";
import { moved, type ParallelState } from "~/model/analysisState";
import { type Axis, buildAxis, cellText, placesOf } from "~/model/axis";
import { brushedRows } from "~/model/brush";
import { formatCount, plural } from "~/model/format";
import {
  axisX,
  drawParallel,
  drawParallelRow,
  nearestRow,
  PARALLEL,
  type ParallelPicture,
} from "./drawParallel";
import { ParallelAxis } from "./ParallelAxis";
import { RampLegend } from "./RampLegend";
import { useCanvas } from "./useCanvas";

/** Least room between two axes; with more axes the chart scrolls. */
const GAP_MIN = 112;
const REACH = 9;

export interface ParallelProps {
  rows: readonly AnalysisRow[];
  columns: readonly AnalysisColumn[];
  state: ParallelState;
  onChange: (state: ParallelState) => void;
  /** The runs inside of all brushes; undefined: nothing is brushed. */
  onBrush?: ((ids: readonly string[] | undefined) => void) | undefined;
  onHover?: ((id: string | undefined) => void) | undefined;
  onOpen?: ((id: string) => void) | undefined;
  hovered?: string | undefined;
}

/** Everything the picture is made from. */
function useParallel({ rows, columns, state }: ParallelProps) {
  const axes = useMemo(
    () =>
      state.axes.flatMap((id): Axis[] => {
        const column = columns.find((one) => one.id === id);
        return column ? [buildAxis(column, rows, { log: state.log.includes(id) })] : [];
      }),
    [state.axes, state.log, columns, rows],
  );
  const color = useMemo(() => {
    const column = columns.find((one) => one.id === state.color);
    return column ? buildAxis(column, rows, { log: state.log.includes(column.id) }) : undefined;
  }, [state.color, state.log, columns, rows]);
  const chosen = useMemo(() => brushedRows(axes, state.brushes, rows), [axes, state.brushes, rows]);
  const picture = useMemo(
    (): ParallelPicture => ({
      places: axes.map((axis) => placesOf(axis, rows)),
      ids: rows.map((row) => row.id),
      colors: rows.map((row) => row.color),
      shades: color ? placesOf(color, rows) : undefined,
      chosen,
    }),
    [axes, color, rows, chosen],
  );
  return { axes, color, chosen, picture };
}

/** Tells others what is brushed, when it changes. */
function useBrushReport(chosen: ReadonlySet<string> | undefined, onBrush: ParallelProps["onBrush"]) {
  const report = useRef(onBrush);
  report.current = onBrush;
  const told = useRef("");
  useEffect(() => {
    const key = chosen ? [...chosen].join(" ") : "all";
    if (key === told.current || (told.current === "" && !chosen)) return;
    told.current = key;
    report.current?.(chosen ? [...chosen] : undefined);
  }, [chosen]);
}

export function ParallelCoordinates(props: ParallelProps) {
  const { rows, state, onHover, onOpen, hovered } = props;
  const { axes, color, chosen, picture } = useParallel(props);
  useBrushReport(chosen, props.onBrush);
  const host = useRef<HTMLDivElement>(null);
  const seen = useWidth(host);
  const width = seen === 0 ? 0 : Math.max(seen, (axes.length - 1) * GAP_MIN + 2 * PARALLEL.side);
  const size = { width, height: PARALLEL.height };
  const [own, setOwn] = useState<number>();
  const row = hovered === undefined ? own : picture.ids.indexOf(hovered);
  const lines = useCanvas(
    size,
    useCallback((context, at) => drawParallel(context, picture, at), [picture]),
  );
  const over = useCanvas(
    size,
    useCallback(
      (context, at) => {
        if (row !== undefined && row >= 0) drawParallelRow(context, picture, row, at);
      },
      [picture, row],
    ),
  );
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const found = nearestRow(
      picture,
      { x: event.clientX - box.left, y: event.clientY - box.top },
      size,
      REACH,
    );
    if (found === own) return;
    setOwn(found);
    onHover?.(found === undefined ? undefined : picture.ids[found]);
  };
  const pointed = row === undefined ? undefined : rows[row];
  if (axes.length === 0) return <p className="muted">No axis is chosen: add a column above.</p>;
  return (
    <div className="stack tight">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="parallel" ref={host} aria-label="Parallel coordinates" tabIndex={0}>
        <div className="parallel-inside" style={{ width: width || "100%" }}>
          {/* biome-ignore lint/a11y/useKeyWithClickEvents: the table of the runs is the way by keyboard */}
          {/* biome-ignore lint/a11y/noStaticElementInteractions: as above */}
          <div
            className="parallel-drawing"
            style={{ height: PARALLEL.height }}
            onPointerMove={onPointerMove}
            onPointerLeave={() => {
              setOwn(undefined);
              onHover?.(undefined);
            }}
            onClick={() => own !== undefined && onOpen?.(picture.ids[own] ?? "")}
          >
            <canvas
              ref={lines}
              style={{ width, height: PARALLEL.height }}
              role="img"
              aria-label={`${plural(rows.length, "run")} through ${plural(axes.length, "axis", "axes")}`}
            />
            <canvas ref={over} style={{ width, height: PARALLEL.height }} />
          </div>
          <Axes {...props} axes={axes} width={width} />
        </div>
      </section>
      <div className="row wrap small analysis-foot">
        <span className="muted" role="status">
          {chosen
            ? `${formatCount(chosen.size)} of ${plural(rows.length, "run")} inside the brushes`
            : plural(rows.length, "run")}
        </span>
        {Object.keys(state.brushes).length > 0 && (
          <button
            type="button"
            className="button small"
            onClick={() => props.onChange({ ...state, brushes: {} })}
          >
            Clear brushes
          </button>
        )}
        <span className="grow" />
        {color && <RampLegend axis={color} />}
      </div>
      <p className="analysis-line small muted">
        {pointed ? (
          <>
            <b>{pointed.name}</b>
            {axes.map((axis) => (
              <span key={axis.column.id}>
                {axis.column.label}{" "}
                <b>{cellText(readCell(pointed.values[axis.column.id], axis.column.numeric))}</b>
              </span>
            ))}
          </>
        ) : (
          "Drag along an axis to keep only the runs inside. Runs without a value run along the foot."
        )}
      </p>
    </div>
  );
}

/** The axes over the canvas, with what their menus do to the state. */
function Axes({ axes, width, state, onChange }: ParallelProps & { axes: readonly Axis[]; width: number }) {
  const gap = axes.length < 2 ? width : (width - 2 * PARALLEL.side) / (axes.length - 1);
  return axes.map((axis, i) => {
    const { id } = axis.column;
    const { [id]: brush, ...others } = state.brushes;
    const log = state.log.includes(id);
    return (
      <ParallelAxis
        key={id}
        axis={axis}
        brush={brush}
        log={log}
        left={axisX(i, axes.length, width)}
        gap={gap}
        first={i === 0}
        last={i === axes.length - 1}
        onBrush={(next) => onChange({ ...state, brushes: next ? { ...others, [id]: next } : others })}
        onMove={(by) =>
          onChange({
            ...state,
            axes: moved(
              axes.map((one) => one.column.id),
              id,
              by,
            ),
          })
        }
        onLog={(next) =>
          onChange({ ...state, log: next ? [...state.log, id] : state.log.filter((one) => one !== id) })
        }
        onRemove={() => onChange({ ...state, axes: state.axes.filter((one) => one !== id), brushes: others })}
      />
    );
  });
}
