/** The runs table with its toolbar: the hub filters, sorts, groups and pages; the address says what. */

import { keepPreviousData, useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { type ReactNode, useCallback, useMemo, useRef, useState } from "react";
import { ApiError } from "~/api/http";
import { groupRunsQuery, projectsQuery, runsQuery, sampleQuery } from "~/api/queries";
import type { RunFound, RunGroup } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Empty, ErrorNotice, Loading } from "~/components/parts";
import { columnOf, discoverColumns, shownColumns, tellingParams } from "~/model/columns";
import { knownValues } from "~/model/complete";
import { formatCount, plural } from "~/model/format";
import { paramOperand, tagOperand } from "~/model/language";
import { groupLines, type Members, runLines } from "~/model/lines";
import { readOrder, writeOrder } from "~/model/order";
import { readMistake, shifted } from "~/model/problem";
import { groupKeys, runsRequest, summarised } from "~/model/request";
import type { RunsSearch } from "~/model/search";
import { isActive } from "~/model/states";
import type { RunLine } from "./lines";
import { RunsTable } from "./RunsTable";
import { SelectionBar } from "./SelectionBar";
import { Toolbar } from "./Toolbar";
import { useSelection } from "./useSelection";

interface Props {
  /** Absent where runs of all projects are shown and none can be chosen. */
  project?: { name: string | undefined };
  search: RunsSearch;
  change: (next: Partial<RunsSearch>) => void;
  deleted: boolean;
  head: ReactNode;
  /** What stands in the place of no runs at all. */
  empty: ReactNode;
  /** What stands in the place of no run that matches. */
  unmatched: ReactNode;
}

/** Columns, completions and values that newest runs have. */
function useKnown(project: string | undefined) {
  const sample = useQuery(sampleQuery(project));
  return useMemo(() => {
    const runs = sample.data?.runs ?? [];
    return {
      ready: !sample.isPending,
      runs,
      telling: tellingParams(runs),
      known: {
        columns: discoverColumns(runs),
        values: knownValues(runs, { param: paramOperand, tag: tagOperand }),
      },
    };
  }, [sample.data, sample.isPending]);
}

/** Which groups are unfolded, and their runs. */
function useMembers(columns: readonly string[]) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const fold = useCallback((group: RunGroup) => {
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(group.query)) next.add(group.query);
      return next;
    });
  }, []);
  const queries = [...open];
  const members = useQueries({
    queries: queries.map((query) => groupRunsQuery(query, columns)),
    combine: (answers) => {
      const found = new Map<string, Members<RunFound>>();
      answers.forEach((answer, i) => {
        if (answer.data) found.set(queries[i] ?? "", answer.data);
      });
      return found;
    },
  });
  return { open, fold, members };
}

/** Room for mean, deviation, range and count. */
const STATISTICS_WIDTH = 184;

/** The newest answer; while the query has a mistake, the one before. */
function useKept<T>(data: T | undefined): T | undefined {
  const kept = useRef<T>(undefined);
  if (data !== undefined) kept.current = data;
  return data ?? kept.current;
}

function useRows(props: Props) {
  const { search, deleted, project } = props;
  const sample = useKnown(project?.name);
  const chosen = useMemo(() => shownColumns(search.cols, sample.runs), [search.cols, sample.runs]);
  const { request, shift } = useMemo(
    () => runsRequest(project?.name, search, chosen, deleted),
    [project?.name, search, chosen, deleted],
  );
  const answer = useInfiniteQuery({ ...runsQuery(request), enabled: sample.ready });
  const grouped = request.group_by.length > 0;
  const columns = useMemo(() => {
    if (!grouped) return chosen;
    const keyed = groupKeys(search).flatMap((id) => columnOf(id) ?? []);
    const others = summarised(chosen).filter((one) => !keyed.some((key) => key.id === one.id));
    return [...keyed, ...others.map((one) => ({ ...one, width: STATISTICS_WIDTH }))];
  }, [grouped, chosen, search]);
  const ids = useMemo(() => columns.map((column) => column.id), [columns]);
  const { open, fold, members } = useMembers(ids);
  const pages = useKept(answer.data)?.pages;
  const lines = useMemo((): RunLine[] => {
    if (!pages) return [];
    const groups = pages.flatMap((page) => page.groups);
    return grouped ? groupLines(groups, open, members) : runLines(pages.flatMap((page) => page.runs));
  }, [pages, grouped, open, members]);
  const mistake = answer.error instanceof ApiError ? readMistake(answer.error.details) : undefined;
  return {
    sample,
    answer,
    grouped,
    columns,
    chosen,
    fold,
    lines,
    total: pages?.[0]?.total ?? 0,
    hints: pages?.[0]?.hints ?? [],
    mistake: mistake && mistake.field === "query" ? shifted(mistake, shift, search.query ?? "") : undefined,
  };
}

export function RunsView(props: Props) {
  const { search, change, project } = props;
  const projects = useQuery({ ...projectsQuery(), placeholderData: keepPreviousData });
  const selection = useSelection();
  const rows = useRows(props);
  const { answer, lines, mistake } = rows;
  const now = useNow(lines.some((line) => line.kind === "run" && isActive(line.run.state)));
  const order = useMemo(() => readOrder(search.sort), [search.sort]);
  const all = projects.data?.projects.map((one) => one.name) ?? [];
  return (
    <>
      <div className="page-head">
        {props.head}
        <Toolbar
          {...(project ? { project: { name: project.name, all } } : {})}
          search={search}
          change={change}
          known={rows.sample.known}
          telling={rows.sample.telling}
          shown={rows.chosen.map((column) => column.id)}
          mistake={mistake}
          hints={mistake ? [] : rows.hints}
        />
      </div>
      <SelectionBar selection={selection} />
      {answer.isError && !mistake ? (
        <Failed error={answer.error} search={search} change={change} retry={() => void answer.refetch()} />
      ) : answer.isPending ? (
        <div className="page-body">
          <Loading lines={8} />
        </div>
      ) : lines.length === 0 ? (
        <div className="runs-scroll">
          {mistake ? (
            <Empty title="The query has a mistake">
              <p>It is pointed at above.</p>
            </Empty>
          ) : search.query || search.state || search.experiment ? (
            props.unmatched
          ) : (
            props.empty
          )}
        </div>
      ) : (
        <RunsTable
          lines={lines}
          columns={rows.columns}
          grouped={rows.grouped}
          order={order}
          sort={(keys) => change({ sort: writeOrder(keys) })}
          selection={selection}
          fold={rows.fold}
          now={now}
          more={
            answer.hasNextPage && !answer.isFetchingNextPage ? () => void answer.fetchNextPage() : undefined
          }
          stale={answer.isPlaceholderData || mistake !== undefined}
        />
      )}
      <div className="status-line" role="status">
        {answer.data && <span>{plural(rows.total, rows.grouped ? "group" : "run")}</span>}
        {!rows.grouped && lines.length < rows.total && (
          <span className="faint">{formatCount(lines.length)} loaded</span>
        )}
        {answer.isFetchingNextPage && <span className="faint">loading more…</span>}
      </div>
    </>
  );
}

/** A mistake in the order, the columns or the grouping can only come from the address. */
function Failed(props: { error: Error; retry: () => void } & Pick<Props, "search" | "change">) {
  const { error, search, change } = props;
  const chosen = search.sort ?? search.cols ?? search.group;
  return (
    <div className="page-body">
      <ErrorNotice error={error} retry={props.retry} />
      {chosen && (
        <div>
          <button
            type="button"
            className="button"
            onClick={() => change({ sort: undefined, cols: undefined, group: undefined })}
          >
            Forget order, columns and groups
          </button>
        </div>
      )}
    </div>
  );
}
