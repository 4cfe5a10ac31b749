/** What a person wants to know first: how it went, with what result, from what. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { recordsQuery } from "~/api/queries";
import type { AttemptView, RunDetail } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Copy, Facts, Notice, Panel, Stat, StateBadge, TableWrap } from "~/components/parts";
import {
  formatDuration,
  formatFixed,
  formatNumber,
  formatTime,
  fullNumber,
  plural,
  runDuration,
} from "~/model/format";
import { asObject, asText, inline } from "~/model/json";
import { headlineRank, isSystem } from "~/model/metrics";
import { isActive } from "~/model/states";
import type { TabProps } from "./RunPage";

const HEADLINE_METRICS = 8;

function Failure({ run }: TabProps) {
  const { failure } = run;
  if (!failure) return null;
  return (
    <div className="notice bad" role="alert">
      <div className="row wrap">
        <h2>{failure.class.replaceAll("_", " ")}</h2>
        {run.exit && <span className="badge bad">{exitText(run.exit)}</span>}
      </div>
      <p>{failure.message}</p>
      {(failure.evidence ?? []).length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <pre tabIndex={0}>{(failure.evidence ?? []).join("\n")}</pre>
      )}
    </div>
  );
}

function exitText(exit: NonNullable<RunDetail["exit"]>): string | undefined {
  if (exit.signal !== null && exit.signal !== undefined) return `signal ${exit.signal}`;
  return exit.code !== null && exit.code !== undefined ? `exit code ${exit.code}` : undefined;
}

function Warnings({ run }: TabProps) {
  const records = useQuery(recordsQuery(run.id, "warning")).data?.records ?? [];
  const texts = records.map((record) => asText(asObject(record.body).message) ?? inline(record.body));
  const all = [...new Set([...(run.snapshot.warnings ?? []), ...texts])];
  return all.map((text) => (
    <Notice key={text} tone="warn">
      {text}
    </Notice>
  ));
}

function Metrics({ run }: TabProps) {
  const names = Object.keys(run.metrics).filter((name) => !isSystem(name));
  // Evaluated metrics carry an interval and say more than the last logged value.
  const evaluated = new Set(Object.keys(run.intervals));
  names.sort((a, b) => headlineRank(a, evaluated) - headlineRank(b, evaluated) || a.localeCompare(b));
  if (names.length === 0) return null;
  return (
    <div className="stats">
      {names.slice(0, HEADLINE_METRICS).map((name) => {
        const interval = run.intervals[name];
        const range = interval ? `${formatFixed(interval.low)} – ${formatFixed(interval.high)}` : undefined;
        return (
          <div className="stat" key={name} title={fullNumber(run.metrics[name])}>
            <span className="label truncate">{name}</span>
            <span className="value truncate">{formatFixed(run.metrics[name])}</span>
            <span className="faint small">{range ?? "last logged"}</span>
          </div>
        );
      })}
      {names.length > HEADLINE_METRICS && (
        <Stat
          label="more"
          value={
            <Link
              to="/runs/$id"
              params={{ id: run.id }}
              search={{ tab: evaluated.size > 0 ? "evaluation" : "charts" }}
              className="link"
            >
              +{names.length - HEADLINE_METRICS}
            </Link>
          }
        />
      )}
    </div>
  );
}

function Attempts({ attempts }: { attempts: readonly AttemptView[] }) {
  const now = useNow(attempts.some((attempt) => isActive(attempt.state)));
  return (
    <Panel title={plural(attempts.length, "attempt")} flush>
      <TableWrap label="Attempts">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col">State</th>
              <th scope="col">Machine</th>
              <th scope="col">Started</th>
              <th scope="col" className="num">
                Duration
              </th>
              <th scope="col">Resumed from</th>
              <th scope="col">End</th>
            </tr>
          </thead>
          <tbody>
            {attempts.map((attempt) => (
              <tr key={attempt.number}>
                <td>{attempt.number}</td>
                <td>
                  <StateBadge state={attempt.state} />
                </td>
                <td>{attempt.host ?? "–"}</td>
                <td className="nowrap">{formatTime(attempt.started_at)}</td>
                <td className="num">{formatDuration(runDuration(attempt, now))}</td>
                <td>
                  {attempt.resumed_from_step === null || attempt.resumed_from_step === undefined
                    ? "–"
                    : `step ${formatNumber(attempt.resumed_from_step)}`}
                </td>
                <td>{(attempt.exit && exitText(attempt.exit)) ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
    </Panel>
  );
}

export default function OverviewTab({ run }: TabProps) {
  const tags = Object.entries(run.tags);
  const params = Object.entries(run.params);
  const datasetName = run.dataset?.split("@")[0];
  return (
    <>
      <Failure run={run} />
      <Warnings run={run} />
      <Metrics run={run} />
      <div className="columns">
        <Panel title="Run">
          <Facts
            items={[
              ["State", <StateBadge key="s" state={run.state} stopping={run.stop_requested} />],
              ["Exit", run.exit ? exitText(run.exit) : undefined],
              ["Owner", run.owner],
              ["Adapter", run.adapter ? `${run.adapter} ${run.adapter_version ?? ""}` : undefined],
              [
                "Dataset",
                run.dataset && datasetName ? (
                  <Link key="d" className="link" to="/datasets/$name" params={{ name: datasetName }}>
                    {run.dataset}
                  </Link>
                ) : undefined,
              ],
              ["Seed", run.seed ?? undefined],
              [
                "Seed group",
                run.group ? <Copy key="g" value={run.group} short={run.group.slice(0, 12)} /> : undefined,
              ],
              ["Created", formatTime(run.created_at)],
              ["Started", formatTime(run.started_at)],
              ["Ended", formatTime(run.ended_at)],
            ]}
          />
        </Panel>
        <Panel title="Params">
          <Facts items={params.map(([key, value]) => [key, <code key={key}>{value}</code>])} />
        </Panel>
        {tags.length > 0 && (
          <Panel title="Tags">
            <Facts items={tags.map(([key, value]) => [key, value])} />
          </Panel>
        )}
      </div>
      {run.notes && (
        <Panel title="Notes">
          <p className="prose">{run.notes}</p>
        </Panel>
      )}
      <Attempts attempts={run.attempts} />
    </>
  );
}
