/** The evaluations a version stands on, each with its numbers and its receipt. */

import { Link } from "@tanstack/react-router";
import type { EvaluationView } from "~/api/types";
import { Notice, Panel, TableWrap } from "~/components/parts";
import { formatCount, formatFixed, fullNumber, plural } from "~/model/format";
import { directionMark, directionText } from "~/model/metrics";
import { ReceiptPanel } from "../run/ReceiptPanel";

function Metrics({ evaluation }: { evaluation: EvaluationView }) {
  return (
    <TableWrap label={`Metrics on ${evaluation.split}`}>
      <table className="table hover">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col" className="num">
              Value
            </th>
            <th scope="col" className="num">
              Interval
            </th>
            <th scope="col" className="num">
              n
            </th>
          </tr>
        </thead>
        <tbody>
          {evaluation.metrics.map((metric) => (
            <tr key={metric.definition}>
              <th scope="row" title={directionText(metric.direction)}>
                {metric.name} <span className="faint">{directionMark(metric.direction)}</span>
              </th>
              <td className="num" title={fullNumber(metric.value)}>
                {formatFixed(metric.value)}
              </td>
              <td className="num muted nowrap">
                {metric.interval
                  ? `${formatFixed(metric.interval.low)} – ${formatFixed(metric.interval.high)}`
                  : "–"}
              </td>
              <td className="num">{formatCount(metric.n)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}

function Evaluation({ evaluation }: { evaluation: EvaluationView }) {
  const { split, state, run, receipt } = evaluation;
  return (
    <>
      <Panel
        title={`Evaluated on ${split}`}
        aside={
          <>
            <span className={`badge ${receipt.verified ? "good" : "warn"}`}>
              {receipt.verified ? "verified" : "unverified"}
            </span>
            <Link className="link small" to="/runs/$id" params={{ id: run }} search={{ tab: "evaluation" }}>
              With curves
            </Link>
          </>
        }
        flush
      >
        {state === "done" ? (
          <Metrics evaluation={evaluation} />
        ) : (
          <p className="inside muted">
            {state === "failed" ? `It failed: ${evaluation.message ?? "no reason is known"}` : "It goes on."}
          </p>
        )}
        {evaluation.skipped.length > 0 && (
          <p className="inside faint small">
            {plural(evaluation.skipped.length, "metric")} could not be computed.
          </p>
        )}
      </Panel>
      <ReceiptPanel receipt={receipt} />
    </>
  );
}

export function Evaluations({ evaluations }: { evaluations: readonly EvaluationView[] }) {
  if (evaluations.length === 0) return <Notice>Nothing of it was evaluated by this hub.</Notice>;
  return (
    <>
      {evaluations.map((evaluation) => (
        <Evaluation key={evaluation.id} evaluation={evaluation} />
      ))}
    </>
  );
}
