/** What a person wants to know first: how it went, with what result, from what, and what was thought of it. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { recordsQuery } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import { Copy, Facts, Notice, Panel, Stat, StateBadge } from "~/components/parts";
import { formatFixed, formatTime, fullNumber } from "~/model/format";
import { asObject, asText, inline } from "~/model/json";
import { headlineRank, isSystem } from "~/model/metrics";
import { AttemptsPanel } from "./AttemptsPanel";
import { exitText, FailureNotice } from "./FailureNotice";
import { NotesPanel } from "./NotesPanel";
import { ProgressPanel } from "./ProgressPanel";
import { RegisteredPanel } from "./RegisteredPanel";
import type { TabProps } from "./RunPage";
import { SiblingsPanel } from "./SiblingsPanel";
import { TagsPanel } from "./TagsPanel";

const HEADLINE_METRICS = 8;
const PARAMS_SHOWN = 40;

function Warnings({ run }: TabProps) {
  const records = useQuery(recordsQuery(run.id, "warning")).data?.records ?? [];
  const texts = records.map((record) => asText(asObject(record.body).message) ?? inline(record.body));
  const all = [...new Set([...(run.snapshot.warnings ?? []), ...texts])];
  if (all.length === 0) return null;
  return (
    <Notice tone="warn">
      <ul className="warnings" aria-label="Warnings">
        {all.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </Notice>
  );
}

/** Evaluated metrics carry an interval and say more than the last logged value. */
function headline(run: RunDetail): string[] {
  const evaluated = new Set(Object.keys(run.intervals));
  return Object.keys(run.metrics)
    .filter((name) => !isSystem(name))
    .sort((a, b) => headlineRank(a, evaluated) - headlineRank(b, evaluated) || a.localeCompare(b));
}

function Metrics({ run, names }: TabProps & { names: readonly string[] }) {
  if (names.length === 0) return null;
  const tab = Object.keys(run.intervals).length > 0 ? "evaluation" : "charts";
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
            <Link to="/runs/$id" params={{ id: run.id }} search={{ tab }} className="link">
              +{names.length - HEADLINE_METRICS}
            </Link>
          }
        />
      )}
    </div>
  );
}

function RunFacts({ run }: TabProps) {
  const datasetName = run.dataset?.split("@")[0];
  return (
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
          ["Started", run.started_at ? formatTime(run.started_at) : undefined],
          ["Ended", run.ended_at ? formatTime(run.ended_at) : undefined],
        ]}
      />
    </Panel>
  );
}

function Params({ run }: TabProps) {
  const params = Object.entries(run.params);
  const shown = params.slice(0, PARAMS_SHOWN);
  return (
    <Panel
      title="Params"
      aside={
        <Link className="link small" to="/runs/$id" params={{ id: run.id }} search={{ tab: "config" }}>
          Whole config
        </Link>
      }
    >
      <Facts items={shown.map(([key, value]) => [key, <code key={key}>{value}</code>])} />
      {params.length > shown.length && (
        <p className="muted small">and {params.length - shown.length} more in the config</p>
      )}
    </Panel>
  );
}

export default function OverviewTab({ run }: TabProps) {
  const names = headline(run);
  return (
    <>
      <FailureNotice run={run} />
      <ProgressPanel run={run} />
      <Warnings run={run} />
      <Metrics run={run} names={names} />
      <div className="overview">
        <div className="stack">
          <NotesPanel key={run.id} run={run} />
          <SiblingsPanel run={run} headline={names} />
          <AttemptsPanel run={run} />
        </div>
        <div className="stack">
          <RunFacts run={run} />
          <RegisteredPanel key={`registered ${run.id}`} run={run} />
          <TagsPanel key={run.id} run={run} />
          <Params run={run} />
        </div>
      </div>
    </>
  );
}
