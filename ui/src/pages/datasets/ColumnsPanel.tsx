/** Columns of a dataset version with their statistics; never a sample. */

import { useState } from "react";
import { Panel, TableWrap } from "~/components/parts";
import { histogramBars, histogramText, missingHistogram } from "~/model/columnHistogram";
import type { Column } from "~/model/dataset";
import { spread } from "~/model/datasetVersions";
import { formatCount, formatNumber, fullNumber, plural } from "~/model/format";

/** More columns than this are found by the filter. */
const SHOWN_MAX = 200;

function Number4({ value }: { value: number | undefined }) {
  return (
    <td className="num" title={fullNumber(value)}>
      {formatNumber(value)}
    </td>
  );
}

/** Where no histogram was recorded: the range as a line, mean and one deviation to each side on it. */
function Spread({ column }: { column: Column }) {
  const at = spread(column);
  if (!at) return null;
  const x = (share: number) => 2 + share * 86;
  return (
    <svg className="spread" viewBox="0 0 90 14" aria-hidden="true">
      <line className="range" x1="2" x2="88" y1="7" y2="7" />
      <rect className="band" x={x(at.low)} y="4" width={x(at.high) - x(at.low)} height="6" rx="2" />
      <circle className="mean" cx={x(at.mean)} cy="7" r="2.5" />
    </svg>
  );
}

const BARS_WIDTH = 128;
const BARS_HEIGHT = 28;

/** The histogram as small bars; each names its bin where the pointer rests. */
function Bars({ column }: { column: Column }) {
  return (
    <svg
      className="column-bars"
      viewBox={`0 0 ${BARS_WIDTH} ${BARS_HEIGHT}`}
      role="img"
      aria-label={`Distribution of ${column.name}: ${histogramText(column)}`}
    >
      {histogramBars(column).map((bar) => {
        const [x, width] = [bar.left * BARS_WIDTH, bar.width * BARS_WIDTH];
        const height = bar.height * (BARS_HEIGHT - 2);
        const inner = barWidth(width);
        return (
          <g key={bar.left}>
            <rect
              className="bar"
              x={x + (width - inner) / 2}
              y={BARS_HEIGHT - 1 - height}
              width={inner}
              height={height}
            />
            <rect className="bin" x={x} y="0" width={width} height={BARS_HEIGHT}>
              <title>{bar.text}</title>
            </rect>
          </g>
        );
      })}
      <rect className="base" x="0" y={BARS_HEIGHT - 1} width={BARS_WIDTH} height="1" />
    </svg>
  );
}

/** A gap between bars; a few bins do not become blocks. */
function barWidth(width: number): number {
  return Math.min(Math.max(1, width - 1), 18);
}

function Distribution({ column }: { column: Column }) {
  if (column.histogram) {
    return (
      <td>
        <Bars column={column} />
      </td>
    );
  }
  const missing = missingHistogram(column);
  return (
    <td title={missing}>
      <Spread column={column} />
      {missing && <span className="faint small">histogram not recorded</span>}
    </td>
  );
}

export function ColumnsPanel({ columns, rows }: { columns: readonly Column[]; rows: number | undefined }) {
  const [filter, setFilter] = useState("");
  const needle = filter.toLowerCase();
  const found = columns.filter((column) => `${column.name} ${column.dtype}`.toLowerCase().includes(needle));
  const share = (count: number) => (rows && count > 0 ? ` (${formatNumber((100 * count) / rows, 3)} %)` : "");
  return (
    <Panel
      title={plural(columns.length, "column")}
      aside={
        <input
          data-search
          type="search"
          className="input"
          placeholder="Find a column  ( / )"
          aria-label="Find a column"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      }
      flush
    >
      <TableWrap label="Columns">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Type</th>
              {["Missing", "Distinct", "Non-finite", "Min", "Max", "Mean", "Std"].map((title) => (
                <th key={title} scope="col" className="num">
                  {title}
                </th>
              ))}
              <th scope="col" title="How many values lie in each of equal-width bins between min and max">
                Distribution
              </th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, SHOWN_MAX).map((column) => (
              <tr key={column.name}>
                <th scope="row">
                  <code>{column.name}</code>
                </th>
                <td>
                  <span className="badge outline">{column.dtype}</span>
                </td>
                <td className="num">
                  {column.nulls > 0 ? (
                    <span className="badge warn">
                      {formatCount(column.nulls)}
                      {share(column.nulls)}
                    </span>
                  ) : (
                    "0"
                  )}
                </td>
                <td className="num">
                  {column.distinct === undefined
                    ? "–"
                    : `${column.distinctCapped ? "≥ " : ""}${formatCount(column.distinct)}`}
                </td>
                <td className="num">{formatCount(column.nonFinite)}</td>
                <Number4 value={column.min} />
                <Number4 value={column.max} />
                <Number4 value={column.mean} />
                <Number4 value={column.std} />
                <Distribution column={column} />
              </tr>
            ))}
          </tbody>
        </table>
        {found.length > SHOWN_MAX && (
          <p className="inside muted">and {found.length - SHOWN_MAX} more: type a name to find them</p>
        )}
      </TableWrap>
    </Panel>
  );
}
