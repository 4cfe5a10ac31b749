/** Verified results of one metric in order, one board per dataset version and split. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useId, useMemo, useRef, useState } from "react";
import { ApiError } from "~/api/http";
import { definitionsQuery, projectsQuery } from "~/api/queries";
import { evaluatedNamesQuery, leaderboardQuery } from "~/api/trust";
import type { Leaderboard } from "~/api/types";
import { Empty, ErrorNotice, Loading } from "~/components/parts";
import {
  directionsOf,
  type LeaderboardSearch,
  rankable,
  readConflict,
  readLeaderboardSearch,
} from "~/model/leaderboard";
import { directionText } from "~/model/metrics";
import { type QueryMistake, readMistake, unitRange } from "~/model/problem";
import { QueryBox } from "../runs/QueryBox";
import { QueryNotes } from "../runs/QueryNotes";
import { useKnown } from "../runs/useRows";
import { BoardPanel } from "./BoardPanel";
import { DefinitionConflict } from "./DefinitionConflict";
import { LeftOutPanel } from "./LeftOutPanel";

type Change = (next: Partial<Record<keyof LeaderboardSearch, string | undefined>>) => void;

/** Metrics there are to rank by, and the one chosen: by the address, else the usual one. */
function useMetrics(search: LeaderboardSearch) {
  const fields = useQuery(evaluatedNamesQuery(search.project));
  const definitions = useQuery(definitionsQuery());
  const ready = fields.isFetched && (definitions.isFetched || definitions.isError);
  const names = useMemo(
    () =>
      ready ? rankable(fields.data?.fields ?? [], directionsOf(definitions.data?.definitions ?? [])) : [],
    [ready, fields.data, definitions.data],
  );
  const metric = search.metric ?? names[0];
  const all = metric === undefined || names.includes(metric) ? names : [metric, ...names];
  return { ready: ready || metric !== undefined, error: fields.error, metric, all };
}

function Choice(props: {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}) {
  return (
    <label className="row small muted">
      {props.label}
      <select
        className="select board-choice"
        value={props.value}
        onChange={(event) => props.onChange(event.target.value)}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Toolbar(props: {
  search: LeaderboardSearch;
  change: Change;
  metric: string | undefined;
  metrics: readonly string[];
  mistake: QueryMistake | undefined;
}) {
  const { search, change, metric, mistake } = props;
  const projects = useQuery({ ...projectsQuery(), placeholderData: keepPreviousData });
  const { known } = useKnown(search.project);
  const field = useRef<HTMLInputElement>(null);
  const notes = useId();
  const [completing, setCompleting] = useState(false);
  const { q = "", project } = search;
  const named = [...(projects.data?.projects.map((one) => one.name) ?? []), ...(project ? [project] : [])];
  const show = (position: number, length: number) => {
    field.current?.focus();
    field.current?.setSelectionRange(...unitRange(q, position, length));
  };
  return (
    <>
      <div className="toolbar">
        <Choice
          label="Metric"
          value={metric ?? ""}
          options={props.metrics.map((one) => [one, one] as const)}
          onChange={(next) => change({ metric: next })}
        />
        <Choice
          label="Project"
          value={project ?? ""}
          options={[["", "All projects"], ...[...new Set(named)].map((one) => [one, one] as const)]}
          onChange={(next) => change({ project: next })}
        />
        <QueryBox
          query={q}
          change={(next) => change({ q: next })}
          known={known}
          invalid={mistake !== undefined}
          notes={notes}
          field={field}
          onCompleting={setCompleting}
        />
      </div>
      {!completing && (
        <QueryNotes
          id={notes}
          query={q}
          mistake={mistake}
          hints={[]}
          change={(next) => change({ q: next })}
          show={show}
        />
      )}
    </>
  );
}

function Nothing({ metric }: { metric: string | undefined }) {
  const name = metric ?? "test/accuracy";
  return (
    <Empty
      title={metric === undefined ? "Nothing to rank yet" : `No result of ${metric} here`}
      commands={[[`mlhub leaderboard ${name}`, "the same in a terminal"]]}
    >
      <p>
        A leaderboard ranks what the hub itself evaluated and can verify: predictions for a split named under
        `evaluation` in the experiment file.
      </p>
    </Empty>
  );
}

function Boards({ found, project }: { found: Leaderboard; project: string | undefined }) {
  const metric = `${found.split}/${found.metric}`;
  if (found.boards.length === 0 && found.left_out_total === 0) return <Nothing metric={metric} />;
  return (
    <>
      {found.boards.length === 0 && (
        <div className="notice warn">
          <h2>No verified result of {metric}</h2>
          <p>Runs have a value, but none may be ranked. The reasons are below.</p>
        </div>
      )}
      {found.boards.map((board) => (
        <BoardPanel
          key={`${metric} ${board.dataset} ${board.split_fingerprint}`}
          board={board}
          metric={metric}
          direction={found.direction}
          project={project}
        />
      ))}
      {found.left_out_total > 0 && <LeftOutPanel leftOut={found.left_out} total={found.left_out_total} />}
    </>
  );
}

export function LeaderboardPage() {
  const search = useSearch({ from: "/leaderboard" });
  const navigate = useNavigate({ from: "/leaderboard" });
  const change: Change = (next) =>
    void navigate({ search: (before) => readLeaderboardSearch({ ...before, ...next }), replace: true });
  const { ready, error, metric, all } = useMetrics(search);
  const query = useQuery({
    ...leaderboardQuery(metric ?? "", search.project, search.q ?? ""),
    enabled: metric !== undefined,
  });
  // The link keeps the metric also when other runs make another one the usual.
  useEffect(() => {
    if (search.metric !== undefined || metric === undefined) return;
    void navigate({ search: (before) => ({ ...before, metric }), replace: true });
  }, [search.metric, metric, navigate]);
  const details = query.error instanceof ApiError ? query.error.details : undefined;
  const mistake = readMistake(details);
  const conflict = readConflict(details);
  const { data } = query;
  return (
    <div className="page">
      <div className="page-head">
        <h1>Leaderboard</h1>
        <p className="muted measure">
          Verified results only, one board per dataset version and split.
          {data?.definition && (
            <>
              {" "}
              Ranked by <code>{data.definition}</code> on {data.split}, {directionText(data.direction)}.
            </>
          )}
        </p>
        <Toolbar search={search} change={change} metric={metric} metrics={all} mistake={mistake} />
      </div>
      <div className="page-body">
        {error && <ErrorNotice error={error} />}
        {(!ready || (metric !== undefined && query.isPending)) && <Loading lines={8} />}
        {ready && metric === undefined && !error && <Nothing metric={undefined} />}
        {conflict && query.error && (
          <DefinitionConflict message={query.error.message} definitions={conflict} />
        )}
        {query.isError && !mistake && !conflict && (
          <ErrorNotice error={query.error} retry={() => void query.refetch()} />
        )}
        {data && !query.isError && (
          <div
            className={query.isPlaceholderData ? "stack boards-stale" : "stack"}
            aria-busy={query.isPlaceholderData}
          >
            <Boards found={data} project={search.project} />
          </div>
        )}
      </div>
    </div>
  );
}
