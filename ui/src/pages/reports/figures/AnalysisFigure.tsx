/** Parallel coordinates, scatter or bars of many runs as a drawing that prints and needs no script. */

import { useMemo } from "react";
import { RampLegend } from "~/charts/analysis/RampLegend";
import { TableWrap } from "~/components/parts";
import { type AnalysisColumn, type AnalysisRow, typedColumns } from "~/model/analysis";
import { atX, atY, barsFigure, FRAME, parallelFigure, scatterFigure } from "~/model/analysisFigure";
import { type AnalysisState, readAnalysisState } from "~/model/analysisState";
import type { Axis } from "~/model/axis";
import type { JsonObject } from "~/model/json";
import { BarsDrawing } from "./BarsDrawing";
import { Legend } from "./Legend";

/** Runs named in a legend at most; with more, colours are told by pointing. */
const LEGEND_MAX = 24;
const LABEL_MAX = 18;

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

interface Props {
  columns: readonly AnalysisColumn[];
  rows: readonly AnalysisRow[];
  state: AnalysisState;
}

export function AnalysisFigure(props: {
  columns: readonly AnalysisColumn[];
  rows: readonly AnalysisRow[];
  state: JsonObject;
}) {
  const { rows } = props;
  const columns = useMemo(() => typedColumns(props.columns, rows), [props.columns, rows]);
  const state = useMemo(() => readAnalysisState(props.state, columns, rows), [props.state, columns, rows]);
  if (rows.length === 0) return <p className="muted">No run is there to be drawn.</p>;
  const drawn = { columns, rows, state };
  return (
    <figure className="report-figure stack tight">
      {state.kind === "parallel" && <Parallel {...drawn} />}
      {state.kind === "scatter" && <Scatter {...drawn} />}
      {state.kind === "bars" && <Bars {...drawn} />}
    </figure>
  );
}

function Notes({ notes, color }: { notes: readonly string[]; color?: Axis | undefined }) {
  return (
    <div className="row wrap small muted">
      <span className="grow">{notes.join("; ")}</span>
      {color && <RampLegend axis={color} />}
    </div>
  );
}

/** What the runs' own colours are, where no column colours them. */
function Runs({ rows }: { rows: readonly AnalysisRow[] }) {
  return rows.length > LEGEND_MAX ? (
    <p className="muted small">Colours are those the runs have everywhere.</p>
  ) : (
    <Legend items={rows} />
  );
}

function Parallel({ columns, rows, state }: Props) {
  const figure = parallelFigure(columns, rows, state.parallel);
  if (!figure) return <p className="muted">No axis is chosen.</p>;
  const last = figure.axes.length - 1;
  return (
    <>
      <TableWrap label="Parallel coordinates of the runs">
        <svg
          className="svg-chart report-wide"
          viewBox={`0 0 ${FRAME.width} ${FRAME.height}`}
          role="img"
          aria-label={`Parallel coordinates: ${figure.notes[0]}`}
        >
          {figure.lines.map((line) => (
            <path
              key={line.id}
              className="curve"
              d={line.path}
              stroke={line.color}
              strokeOpacity={line.out ? 0.3 : 0.85}
            >
              <title>{line.name}</title>
            </path>
          ))}
          {figure.axes.map(({ axis, x, brush }, i) => (
            <g key={axis.column.id}>
              <line className="axis" x1={x} x2={x} y1={atY(0)} y2={atY(1)} />
              {brush && (
                <rect
                  className="brushed"
                  x={x - 5}
                  width={10}
                  y={atY(brush[1])}
                  height={atY(brush[0]) - atY(brush[1])}
                />
              )}
              <text className="name" x={x} y={i % 2 === 0 ? 12 : 25} textAnchor={anchor(i, last)}>
                <title>{axis.column.id}</title>
                {cut(axis.column.label, LABEL_MAX)}
                {axis.scale === "log" && " (log)"}
              </text>
              {axis.ticks.map((tick) => (
                <text key={tick.label} className="halo" x={x - 5} y={atY(tick.at) + 4} textAnchor="end">
                  {cut(tick.label, 9)}
                </text>
              ))}
            </g>
          ))}
        </svg>
      </TableWrap>
      <Notes notes={figure.notes} color={figure.color} />
      {!figure.color && <Runs rows={rows} />}
    </>
  );
}

function anchor(i: number, last: number): "start" | "middle" | "end" {
  if (last === 0) return "middle";
  return i === 0 ? "start" : i === last ? "end" : "middle";
}

function ScatterAxes({ x, y }: { x: Axis; y: Axis }) {
  const title = (axis: Axis) => `${axis.column.label}${axis.scale === "log" ? " (log)" : ""}`;
  const middle = (atY(0) + atY(1)) / 2;
  return (
    <>
      {y.ticks.map((tick) => (
        <g key={tick.label}>
          <line className="grid" x1={atX(0)} x2={atX(1)} y1={atY(tick.at)} y2={atY(tick.at)} />
          <text x={FRAME.left - 7} y={atY(tick.at) + 4} textAnchor="end">
            {cut(tick.label, 8)}
          </text>
        </g>
      ))}
      {x.ticks.map((tick) => (
        <text key={tick.label} x={atX(tick.at)} y={atY(0) + 16} textAnchor="middle">
          {cut(tick.label, 12)}
        </text>
      ))}
      <text className="name" x={(atX(0) + atX(1)) / 2} y={FRAME.height - 8} textAnchor="middle">
        {title(x)}
      </text>
      <text className="name" x={13} y={middle} textAnchor="middle" transform={`rotate(-90 13 ${middle})`}>
        {title(y)}
      </text>
    </>
  );
}

function Scatter({ columns, rows, state }: Props) {
  const figure = scatterFigure(columns, rows, state.scatter);
  if (!figure) return <p className="muted">No columns are chosen for the axes.</p>;
  const { model } = figure;
  const [width, height] = [atX(1) - atX(0), atY(0) - atY(1)];
  return (
    <>
      <TableWrap label="Scatter of the runs">
        <svg
          className="svg-chart report-wide"
          viewBox={`0 0 ${FRAME.width} ${FRAME.height}`}
          role="img"
          aria-label={`${model.y.column.label} over ${model.x.column.label}: ${figure.notes[0]}`}
        >
          <ScatterAxes x={model.x} y={model.y} />
          {figure.line && (
            // A drawing in the drawing cuts the line at the frame.
            <svg
              x={atX(0)}
              y={atY(1)}
              width={width}
              height={height}
              viewBox={`${atX(0)} ${atY(1)} ${width} ${height}`}
            >
              <title>Line of least squares</title>
              <path className="diagonal" d={figure.line} fill="none" />
            </svg>
          )}
          {figure.dots.map((dot) => (
            <circle key={dot.id} className="dot" cx={dot.x} cy={dot.y} r={dot.radius} fill={dot.color}>
              <title>{dot.name}</title>
            </circle>
          ))}
          {figure.front && <path className="front" d={figure.front} />}
        </svg>
      </TableWrap>
      <Notes notes={figure.notes} color={model.color} />
      {!model.color && <Runs rows={rows} />}
    </>
  );
}

function Bars({ columns, rows, state }: Props) {
  const figure = barsFigure(columns, rows, state.bars);
  if (!figure) return <p className="muted">No value is chosen.</p>;
  if (figure.bars.length === 0) return <p className="muted">No run has a finite value of {figure.label}.</p>;
  return (
    <>
      <TableWrap label={`${figure.label} of the runs`}>
        <BarsDrawing figure={figure} mark={state.bars.mark} />
      </TableWrap>
      <Notes notes={figure.notes} />
    </>
  );
}
