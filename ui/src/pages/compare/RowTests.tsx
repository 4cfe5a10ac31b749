/** The tests of two runs: a line per metric, the difference drawn around zero. */

import type { PairedTestView, PairView } from "~/api/types";
import { Interval } from "~/components/Interval";
import { Swatch, TableWrap } from "~/components/parts";
import { formatP, signed } from "~/model/compareTests";
import { formatFixed, fullNumber } from "~/model/format";
import { directionMark, directionText } from "~/model/metrics";
import { toFinite } from "~/model/number";
import { pairVerdict, zeroDomain } from "~/model/pairs";

interface Props {
  view: PairView;
  tests: readonly PairedTestView[];
  colors: ReadonlyMap<string, number>;
}

function Verdict({ test, view, colors }: Omit<Props, "tests"> & { test: PairedTestView }) {
  const { text, tone, better } = pairVerdict(test.verdict);
  const run = better && view[better];
  return (
    <span className="row" title={test.reason ?? (run && `${run.name} is better`)}>
      {run && <Swatch color={colors.get(run.id) ?? 0} />}
      <span className={`badge ${tone}`}>{text}</span>
    </span>
  );
}

function Difference({ test }: { test: PairedTestView }) {
  const [low, high] = [toFinite(test.interval?.low), toFinite(test.interval?.high)];
  return (
    <>
      <Interval value={toFinite(test.difference)} low={low} high={high} domain={zeroDomain(test)} zero />
      <span className="muted small nowrap">
        {low !== undefined && high !== undefined ? `${signed(low)} to ${signed(high)}` : "no interval"}
      </span>
    </>
  );
}

function Line({ test, named, ...of }: Omit<Props, "tests"> & { test: PairedTestView; named: boolean }) {
  const tested = test.method !== null && test.method !== undefined;
  return (
    <tr>
      <th scope="row" title={`${test.definition}, ${directionText(test.direction)}`}>
        {named && `${test.split}/`}
        {test.metric} <span className="faint">{directionMark(test.direction)}</span>
      </th>
      <td>
        <Verdict test={test} {...of} />
      </td>
      {tested ? (
        <>
          <td className="num" title={fullNumber(test.value_a)}>
            {formatFixed(test.value_a)}
          </td>
          <td className="num" title={fullNumber(test.value_b)}>
            {formatFixed(test.value_b)}
          </td>
          <td className="num" title={fullNumber(test.difference)}>
            {signed(toFinite(test.difference))}
          </td>
          <td className="pair-interval">
            <Difference test={test} />
          </td>
          <td className="num" title={`p before the adjustment ${formatP(toFinite(test.p_value))}`}>
            {formatP(toFinite(test.p_adjusted))}
          </td>
          <td className="pair-test small" title={test.detail ?? undefined}>
            {test.method}
            {test.effect && (
              <>
                <br />
                <span className="muted">
                  {test.effect.name} {signed(toFinite(test.effect.value), 2)}
                </span>
              </>
            )}
          </td>
        </>
      ) : (
        <td colSpan={6} className="prose muted small">
          {test.reason}
        </td>
      )}
    </tr>
  );
}

export function RowTests({ view, tests, colors }: Props) {
  const named = new Set(view.tests.map((test) => test.split)).size > 1;
  return (
    <TableWrap label={`Tests of ${view.a.name} and ${view.b.name} row by row`}>
      <table className="table hover">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Verdict</th>
            <th scope="col" className="num" title={view.a.name}>
              A
            </th>
            <th scope="col" className="num" title={view.b.name}>
              B
            </th>
            <th scope="col" className="num">
              A − B
            </th>
            <th scope="col">95 % interval of A − B</th>
            <th scope="col" className="num">
              Adjusted p
            </th>
            <th scope="col">Test and effect</th>
          </tr>
        </thead>
        <tbody>
          {tests.map((test) => (
            <Line
              key={`${test.split}/${test.definition}`}
              test={test}
              named={named}
              view={view}
              colors={colors}
            />
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}
