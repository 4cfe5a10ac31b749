/** The runs of the same seed group, with the metrics that matter, so that one lucky seed is seen as such. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { siblingsQuery } from "~/api/runPage";
import type { RunDetail, RunFound } from "~/api/types";
import { Panel, StateBadge, Swatch, TableWrap } from "~/components/parts";
import { colorIndex } from "~/model/colors";
import { formatFixed, formatMeanStd } from "~/model/format";
import { evaluatedOperand, metricOperand } from "~/model/language";
import { toFloat } from "~/model/number";

const METRICS_SHOWN = 3;

/** The hub's own statistics over the group: the page averages no runs. */
const groupMean = (operand: string) => `group.mean(${operand})`;
const groupStd = (operand: string) => `group.std(${operand})`;

export function SiblingsPanel({ run, headline }: { run: RunDetail; headline: readonly string[] }) {
  const names = headline.slice(0, METRICS_SHOWN);
  const operands = names.map((name) => (run.intervals[name] ? evaluatedOperand(name) : metricOperand(name)));
  const asked = operands.flatMap((operand) => [operand, groupMean(operand), groupStd(operand)]);
  const runs = useQuery(siblingsQuery(run, asked)).data?.runs ?? [];
  if (runs.length < 2) return null;
  const value = (one: RunFound | undefined, operand: string) => {
    const found = one?.values[operand];
    return typeof found === "string" || typeof found === "number" ? toFloat(found) : undefined;
  };
  return (
    <Panel
      title="Seeds"
      aside={
        <Link className="link small" to="/compare" search={{ runs: runs.map((one) => one.id).join(",") }}>
          Compare all {runs.length}
        </Link>
      }
      flush
    >
      <TableWrap label="Runs of the seed group">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Seed</th>
              <th scope="col">State</th>
              {names.map((name) => (
                <th scope="col" className="num" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {runs.map((one) => (
              <tr key={one.id} className={one.id === run.id ? "this-run" : ""}>
                <th scope="row">
                  <span className="row">
                    <Swatch color={colorIndex(one.id)} />
                    <Link className="link" to="/runs/$id" params={{ id: one.id }} title={one.name}>
                      {one.seed ?? one.name}
                    </Link>
                    {one.id === run.id && <span className="faint small">this run</span>}
                  </span>
                </th>
                <td>
                  <StateBadge state={one.state} />
                </td>
                {operands.map((operand) => (
                  <td className="num" key={operand}>
                    {formatFixed(value(one, operand))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={2}>
                mean ± std
              </th>
              {operands.map((operand) => (
                <td className="num" key={operand}>
                  {formatMeanStd(value(runs[0], groupMean(operand)), value(runs[0], groupStd(operand)))}
                </td>
              ))}
            </tr>
          </tfoot>
        </table>
      </TableWrap>
    </Panel>
  );
}
