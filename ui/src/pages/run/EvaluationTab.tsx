/** What the hub computed from the run's predictions, split by split. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { evaluationsQuery } from "~/api/queries";
import type { EvaluatedMetricView, EvaluationView } from "~/api/types";
import { Interval } from "~/components/Interval";
import { Empty, ErrorNotice, Panel, Segments, TableWrap } from "~/components/parts";
import { formatCount, formatFixed, fullNumber, plural } from "~/model/format";
import { directionMark, directionText } from "~/model/metrics";
import { toFinite, toFloat } from "~/model/number";
import { padded } from "~/model/scale";
import { extent } from "~/model/statistics";
import { EvaluationCurves } from "./EvaluationCurves";
import { ReceiptPanel } from "./ReceiptPanel";
import type { TabProps } from "./RunPage";

export default function EvaluationTab({ run }: TabProps) {
  const query = useQuery({
    ...evaluationsQuery(run.id),
    initialData: { evaluations: run.evaluations },
    initialDataUpdatedAt: 0,
  });
  const [chosen, setChosen] = useState<string>();
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  const { evaluations } = query.data;
  const evaluation = evaluations.find((one) => one.split === chosen) ?? evaluations[evaluations.length - 1];
  if (!evaluation) {
    return (
      <Empty title="Not evaluated">
        <p>
          A run that writes predictions for a split is evaluated by the hub when it ends. Name the splits
          under `evaluation` in the experiment file.
        </p>
      </Empty>
    );
  }
  return (
    <>
      <div className="toolbar">
        {evaluations.length > 1 && (
          <Segments
            label="Split"
            value={evaluation.split}
            onChange={setChosen}
            options={evaluations.map((one) => [one.split, one.split])}
          />
        )}
        <span className="muted">
          {evaluations.length === 1 && `${evaluation.split} · `}
          {evaluation.task}
          {evaluation.n !== null && evaluation.n !== undefined && ` · ${plural(evaluation.n, "example")}`}
        </span>
      </div>
      {evaluation.state === "failed" && (
        <div className="notice bad" role="alert">
          <h2>The predictions could not be evaluated</h2>
          <p>{evaluation.message}</p>
        </div>
      )}
      {evaluation.state === "pending" && (
        <div className="notice">The hub is still computing this evaluation.</div>
      )}
      {evaluation.state === "done" && (
        <>
          <div className="columns wide-first">
            <MetricsPanel evaluation={evaluation} />
            <ReceiptPanel receipt={evaluation.receipt} />
          </div>
          <EvaluationCurves key={evaluation.id} evaluation={evaluation} />
        </>
      )}
    </>
  );
}

/** A ratio is drawn on its whole range, so that bars of different metrics can be read alike. */
function domainOf(metric: EvaluatedMetricView): [number, number] {
  const found = extent([
    toFinite(metric.value),
    toFinite(metric.interval?.low),
    toFinite(metric.interval?.high),
  ]);
  if (!found) return [0, 1];
  return found[0] >= 0 && found[1] <= 1 ? [0, 1] : padded(found, 0.4);
}

function intervalTitle(metric: EvaluatedMetricView): string {
  const { interval } = metric;
  if (!interval) return "No interval";
  return `${(interval.confidence * 100).toFixed(0)} % ${interval.method}, ${formatCount(interval.samples)} resamples, seed ${interval.seed}`;
}

function MetricsPanel({ evaluation }: { evaluation: EvaluationView }) {
  return (
    <Panel title={plural(evaluation.metrics.length, "metric")} flush>
      <TableWrap label="Metrics">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col" className="num">
                Value
              </th>
              <th scope="col">Interval</th>
              <th scope="col" />
              <th scope="col" className="num">
                n
              </th>
              <th scope="col">Definition</th>
            </tr>
          </thead>
          <tbody>
            {evaluation.metrics.map((metric) => (
              <tr key={metric.definition}>
                <th scope="row" title={metric.note ?? directionText(metric.direction)}>
                  {metric.name} <span className="faint">{directionMark(metric.direction)}</span>
                  {metric.note && <span className="badge warn">note</span>}
                </th>
                <td className="num" title={fullNumber(metric.value)}>
                  {formatFixed(metric.value)}
                </td>
                <td style={{ width: "26%" }}>
                  <Interval
                    value={toFloat(metric.value)}
                    low={toFinite(metric.interval?.low)}
                    high={toFinite(metric.interval?.high)}
                    domain={domainOf(metric)}
                  />
                </td>
                <td className="muted small nowrap" title={intervalTitle(metric)}>
                  {metric.interval
                    ? `${formatFixed(metric.interval.low)} – ${formatFixed(metric.interval.high)}`
                    : "–"}
                </td>
                <td className="num">{formatCount(metric.n)}</td>
                <td>
                  <code className="muted" title={metric.definition_hash}>
                    {metric.definition}
                  </code>
                </td>
              </tr>
            ))}
            {evaluation.skipped.map((skipped) => (
              <tr key={skipped.definition}>
                <th scope="row" className="muted">
                  {skipped.definition.split("@")[0]}
                </th>
                <td colSpan={4} className="muted small">
                  skipped: {skipped.reason}
                </td>
                <td>
                  <code className="muted">{skipped.definition}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
    </Panel>
  );
}
