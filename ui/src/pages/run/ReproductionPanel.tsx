/** Whether the run was reproduced, or what it reproduces: the verdict, what differed, and each metric. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { reproductionsQuery } from "~/api/runPage";
import type { ReproductionView, RunDetail } from "~/api/types";
import { Copy, ErrorNotice, Panel, TableWrap } from "~/components/parts";
import { formatNumber, formatTime } from "~/model/format";
import type { ApiNumber } from "~/model/number";
import {
  causeBadge,
  type DifferenceText,
  differencesText,
  tellingReproduction,
  verdictBadge,
  verdictText,
  verdictTone,
} from "~/model/reproduction";

type Metric = ReproductionView["metrics"][number];

const AGREEMENT: Record<string, { text: string; tone: string }> = {
  identical: { text: "identical", tone: "good" },
  within_tolerance: { text: "within tolerance", tone: "good" },
  diverged: { text: "diverged", tone: "bad" },
};

/** A value where both diverged; a step that one lacks is said. */
function Value({ metric, value }: { metric: Metric; value: ApiNumber | null | undefined }) {
  if (value !== null && value !== undefined) return <>{formatNumber(value)}</>;
  return metric.agreement === "diverged" ? <span className="faint">missing</span> : null;
}

function Metrics({ of }: { of: ReproductionView }) {
  return (
    <TableWrap label="Metrics of both runs">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Result</th>
            <th scope="col" className="num">
              From step
            </th>
            <th scope="col" className="num">
              Was
            </th>
            <th scope="col" className="num">
              Is
            </th>
          </tr>
        </thead>
        <tbody>
          {of.metrics.map((metric) => {
            const { text, tone } = AGREEMENT[metric.agreement] ?? { text: metric.agreement, tone: "warn" };
            return (
              <tr key={`${metric.definition ?? ""} ${metric.name}`}>
                <th scope="row">
                  <code>{metric.name}</code>
                </th>
                <td>
                  <span className={`badge ${tone}`}>{text}</span>
                  {metric.largest_difference !== null && metric.largest_difference !== undefined && (
                    <span className="faint small">
                      {" "}
                      {formatNumber(metric.largest_difference, 2)} relative
                    </span>
                  )}
                  {metric.message && <span className="faint small"> {metric.message}</span>}
                </td>
                <td className="num">{metric.step ?? ""}</td>
                <td className="num">
                  <Value metric={metric} value={metric.original} />
                </td>
                <td className="num">
                  <Value metric={metric} value={metric.reproduced} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </TableWrap>
  );
}

/** What differs between both records, part by part; a divergence may follow from it. */
function Differing({ differences }: { differences: readonly DifferenceText[] }) {
  if (differences.length === 0) return null;
  return (
    <details>
      <summary>What differs between both records</summary>
      <dl className="facts">
        {differences.map(({ part, text }) => (
          <div key={part} style={{ display: "contents" }}>
            <dt>{part}</dt>
            <dd className="anywhere">{text}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function Reproduction({ of, self }: { of: ReproductionView; self: string }) {
  const other = of.original.id === self ? of.run : of.original;
  return (
    <div className="stack">
      <div className="row wrap">
        <span className={`badge ${verdictTone(of.verdict)}`}>{verdictBadge(of.verdict)}</span>
        <span>{verdictText(of)}</span>
        <span className="grow" />
        <Link className="link" to="/compare" search={{ runs: `${of.original.id},${of.run.id}` }}>
          Compare the curves
        </Link>
      </div>
      <p className="muted small">
        {of.original.id === self ? "Run again as " : "It was started to reproduce "}
        <Link className="link" to="/runs/$id" params={{ id: other.id }}>
          {other.name}
        </Link>{" "}
        ({formatTime(other.created_at)}).
        {of.same_predictions === true && " The predictions are the same, byte for byte."}
        {of.same_predictions === false && " The predictions differ."}
      </p>
      {of.attribution?.message && (
        <p>
          {causeBadge(of.attribution.cause) && (
            <span className={`badge ${of.attribution.confirmed ? "bad" : "warn"}`}>
              {causeBadge(of.attribution.cause)}
            </span>
          )}{" "}
          {of.attribution.message}
        </p>
      )}
      <Differing differences={differencesText(of.attribution?.differences ?? [])} />
      {of.differences.length > 0 && (
        <dl className="facts" aria-label="What was not as it was">
          {of.differences.map(({ part, message }) => (
            <div key={`${part} ${message}`} style={{ display: "contents" }}>
              <dt>{part}</dt>
              <dd className="anywhere">{message}</dd>
            </div>
          ))}
        </dl>
      )}
      {of.metrics.length > 0 && <Metrics of={of} />}
      {of.left_out.length > 0 && (
        <p className="faint small">
          Not compared, because they measure the machine: {of.left_out.join(", ")}
        </p>
      )}
    </div>
  );
}

export function ReproductionPanel({ run }: { run: RunDetail }) {
  const found = useQuery(reproductionsQuery(run.id));
  const command = `mlhub reproduce ${run.id}`;
  const list = found.data?.reproductions ?? [];
  const recorded = Object.keys(run.snapshot.config ?? {}).length > 0;
  if (found.error) return <ErrorNotice error={found.error} />;
  return (
    <>
      {found.data?.reproduces && (
        <Panel title="Reproduces another run">
          <Reproduction of={found.data.reproduces} self={run.id} />
        </Panel>
      )}
      {(recorded || list.length > 0) && (
        <Panel title="Reproduction" aside={recorded && <Copy value={command} />}>
          <div className="stack">
            {list.length === 0 && (
              <p className="muted">
                Nobody has run it again yet. <code>{command}</code> restores code, environment and data from
                this record, refuses by name what is not as it was, runs it, and says for each metric whether
                it came out the same.
              </p>
            )}
            {list.map((one) => (
              <Reproduction key={one.run.id} of={one} self={run.id} />
            ))}
          </div>
        </Panel>
      )}
    </>
  );
}

/** Beside the run's state: whether it was reproduced. */
export function ReproducedBadge({ run }: { run: RunDetail }) {
  const asked = run.tags.reproduced !== undefined;
  const found = useQuery({ ...reproductionsQuery(run.id), enabled: asked });
  const telling = tellingReproduction(found.data?.reproductions ?? []);
  if (!telling) return null;
  return (
    <Link
      to="/runs/$id"
      params={{ id: run.id }}
      search={{ tab: "provenance" }}
      className={`badge ${verdictTone(telling.verdict)}`}
      title={verdictText(telling)}
    >
      {verdictBadge(telling.verdict)}
    </Link>
  );
}
