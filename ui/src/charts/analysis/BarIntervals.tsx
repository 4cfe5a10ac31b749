/** Runs or seed groups by one value, with intervals: bars from zero, or dots. */

import { useMemo, useState } from "react";
import { Swatch, TableWrap } from "~/components/parts";
import type { AnalysisColumn, AnalysisRow } from "~/model/analysis";
import type { BarsState } from "~/model/analysisState";
import { type Bar, barDomain, buildBars } from "~/model/bars";
import { seriesColor } from "~/model/colors";
import { formatCount, formatFixed, formatNumber, plural } from "~/model/format";
import { ticks } from "~/model/scale";

/** Rows drawn before the reader asks for more. */
const BARS_STEP = 60;

export interface BarIntervalsProps {
  rows: readonly AnalysisRow[];
  columns: readonly AnalysisColumn[];
  state: BarsState;
  onHover?: ((id: string | undefined) => void) | undefined;
  onOpen?: ((id: string) => void) | undefined;
  hovered?: string | undefined;
}

export function BarIntervals(props: BarIntervalsProps) {
  const { rows, columns, state } = props;
  const [shown, setShown] = useState(BARS_STEP);
  const column = columns.find((one) => one.id === state.value);
  const found = useMemo(
    () => (column ? buildBars(column, rows, { by: state.by, order: state.order }) : undefined),
    [column, rows, state.by, state.order],
  );
  if (!column || !found) return <p className="muted">Choose a value.</p>;
  const { bars, left, method } = found;
  if (bars.length === 0) return <p className="muted">No run has a finite value of {column.label}.</p>;
  const domain = barDomain(bars, state.mark);
  const place = (value: number) => ((value - domain[0]) / (domain[1] - domain[0])) * 100;
  return (
    <div className="stack tight">
      <TableWrap label={`${column.label} with intervals`}>
        <table className="bars">
          <BarAxis label={column.label} domain={domain} place={place} grouped={state.by === "groups"} />
          <tbody>
            {bars.slice(0, shown).map((bar) => (
              <BarRow key={bar.key} {...props} bar={bar} place={place} />
            ))}
          </tbody>
        </table>
      </TableWrap>
      <p className="row wrap small muted analysis-foot">
        {bars.length > shown && (
          <button type="button" className="button" onClick={() => setShown(shown + BARS_STEP * 2)}>
            Show more of {formatCount(bars.length)}
          </button>
        )}
        {left > 0 && <span className="badge warn">{plural(left, "run")} without a finite value</span>}
        <span>{method ?? "No intervals: single values."}</span>
        {state.mark === "dots" && !(domain[0] <= 0 && domain[1] >= 0) && (
          <span>The axis does not start at zero.</span>
        )}
      </p>
    </div>
  );
}

type Place = (value: number) => number;

function BarAxis(props: { label: string; domain: [number, number]; place: Place; grouped: boolean }) {
  const { label, domain, place, grouped } = props;
  return (
    <thead>
      <tr>
        <th scope="col">{grouped ? "Group" : "Run"}</th>
        <th scope="col" className="bar-cell">
          <span className="visually-hidden">{label}</span>
          <span className="bar-track" aria-hidden="true">
            {ticks(domain, 4).map((value) => (
              <span key={value} className="bar-tick" style={{ left: `${place(value)}%` }}>
                {formatNumber(value, 3)}
              </span>
            ))}
          </span>
        </th>
        <th scope="col" className="num">
          {grouped ? "Mean" : "Value"}
        </th>
        {grouped && (
          <th scope="col" className="num">
            n
          </th>
        )}
      </tr>
    </thead>
  );
}

function intervalText(bar: Bar): string {
  if (bar.low === undefined || bar.high === undefined) return "no interval";
  return `interval ${formatNumber(bar.low)} to ${formatNumber(bar.high)}`;
}

function BarRow(props: BarIntervalsProps & { bar: Bar; place: Place }) {
  const { bar, place, state, onHover, onOpen, hovered } = props;
  const { run } = bar;
  const spread = bar.std === undefined ? "" : `, std ${formatNumber(bar.std, 2)}`;
  const text = `${bar.name}: ${formatNumber(bar.value)}, ${intervalText(bar)}, n ${bar.n}${spread}`;
  return (
    <tr
      className={hovered !== undefined && hovered === run ? "hovered" : ""}
      title={text}
      onPointerEnter={() => run && onHover?.(run)}
      onPointerLeave={() => onHover?.(undefined)}
    >
      <th scope="row" className="truncate">
        <Swatch color={bar.color} />{" "}
        {run && onOpen ? (
          <button type="button" className="plain" onClick={() => onOpen(run)}>
            {bar.name}
          </button>
        ) : (
          bar.name
        )}
      </th>
      <td className="bar-cell">
        <span className="visually-hidden">{intervalText(bar)}</span>
        <span className="bar-track" aria-hidden="true">
          <BarMark bar={bar} place={place} mark={state.mark} />
        </span>
      </td>
      <td className="num">{formatFixed(bar.value)}</td>
      {state.by === "groups" && <td className="num muted">{formatCount(bar.n)}</td>}
    </tr>
  );
}

function BarMark({ bar, place, mark }: { bar: Bar; place: Place; mark: BarsState["mark"] }) {
  const color = seriesColor(bar.color);
  const [from, to] = [Math.min(place(0), place(bar.value)), Math.max(place(0), place(bar.value))];
  return (
    <>
      {mark === "bars" && (
        <span className="bar-fill" style={{ left: `${from}%`, width: `${to - from}%`, background: color }} />
      )}
      {bar.low !== undefined && bar.high !== undefined && (
        <span
          className={`bar-band ${mark}`}
          style={{ left: `${place(bar.low)}%`, width: `${place(bar.high) - place(bar.low)}%`, color }}
        />
      )}
      {bar.values.map((value, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: equal values are told apart by nothing else
        <span key={i} className="bar-seed" style={{ left: `${place(value)}%` }} />
      ))}
      {mark === "dots" && (
        <span className="bar-dot" style={{ left: `${place(bar.value)}%`, background: color }} />
      )}
    </>
  );
}
