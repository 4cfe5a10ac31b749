/** How the model does on each part of a split, by the values of a column, the worst first. */

import { useState } from "react";
import type { EvaluationView } from "~/api/types";
import { Interval } from "~/components/Interval";
import { Panel, TableWrap } from "~/components/parts";
import { formatCount, formatFixed, formatNumber, fullNumber, plural } from "~/model/format";
import { directionMark, directionText } from "~/model/metrics";
import { toFloat } from "~/model/number";
import {
  type SliceColumn,
  type SliceGap,
  type SliceRow,
  SMALL_ROWS,
  sliceDefinitions,
  sliceDomain,
  sliceGap,
  sliceRows,
  usualDefinition,
} from "~/model/slices";

function Row({ row, domain }: { row: SliceRow; domain: readonly [number, number] }) {
  const { metric } = row;
  return (
    <tr className={row.small ? "muted" : undefined}>
      <th scope="row" className="slice-name">
        {row.value === "" ? <span className="faint">(empty)</span> : row.value}
      </th>
      <td className="num" title={fullNumber(metric?.value)}>
        {metric?.value === undefined ? <span className="faint">–</span> : formatFixed(metric.value)}
      </td>
      <td className="slice-interval">
        {metric && <Interval value={metric.value} low={metric.low} high={metric.high} domain={domain} />}
      </td>
      <td className="muted small nowrap">
        {metric?.low !== undefined && metric.high !== undefined
          ? `${formatFixed(metric.low)} – ${formatFixed(metric.high)}`
          : "–"}
      </td>
      <td className="num nowrap">
        {row.small && (
          <span className="badge warn" title={`Fewer than ${SMALL_ROWS} rows say little`}>
            few rows
          </span>
        )}{" "}
        {formatCount(row.n)}
      </td>
    </tr>
  );
}

function Gap({ gap, directed }: { gap: SliceGap | undefined; directed: boolean }) {
  if (!gap) return <>Fewer than two slices have {SMALL_ROWS} rows and a value, so no gap is told.</>;
  const [worst, best] = directed ? ["worst", "best"] : ["lowest", "highest"];
  return (
    <>
      Gap {formatNumber(gap.gap, 3)} between the {worst} ({gap.worst}) and the {best} ({gap.best})
      {gap.left > 0 && `, without ${plural(gap.left, "slice")} of fewer than ${SMALL_ROWS} rows`}.
    </>
  );
}

export function SlicePanel({ column, evaluation }: { column: SliceColumn; evaluation: EvaluationView }) {
  const [chosen, setChosen] = useState<string>();
  const directions = new Map(evaluation.metrics.map((one) => [one.definition, one.direction]));
  const definitions = sliceDefinitions(column);
  const definition = definitions.find((one) => one === chosen) ?? usualDefinition(definitions, directions);
  if (definition === undefined) return null;
  const direction = directions.get(definition);
  const rows = sliceRows(column, definition, direction);
  const domain = sliceDomain(rows);
  const whole = evaluation.metrics.find((one) => one.definition === definition);
  const mark = directionMark(direction);
  return (
    <Panel
      title={`By ${column.column}`}
      aside={
        <select
          className="select board-choice"
          aria-label={`Metric of the slices by ${column.column}`}
          title={directionText(direction)}
          value={definition}
          onChange={(event) => setChosen(event.target.value)}
        >
          {definitions.map((one) => (
            <option key={one} value={one}>
              {one.replace(/@\d+$/, "")} {directionMark(directions.get(one))}
            </option>
          ))}
        </select>
      }
      flush
    >
      <TableWrap label={`Slices by ${column.column}`}>
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">{column.column}</th>
              <th scope="col" className="num">
                Value
              </th>
              <th scope="col">95 % interval</th>
              <th scope="col">
                <span className="visually-hidden">Interval in numbers</span>
              </th>
              <th scope="col" className="num">
                Rows
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.value} row={row} domain={domain} />
            ))}
          </tbody>
        </table>
      </TableWrap>
      <p className="board-foot muted small">
        <Gap gap={sliceGap(rows, direction)} directed={mark !== ""} />
        {whole && ` All ${formatCount(whole.n)} rows together: ${formatFixed(toFloat(whole.value))}.`}
      </p>
    </Panel>
  );
}
