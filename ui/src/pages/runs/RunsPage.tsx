/** Home: the runs of all projects or of one, searched, filtered and sorted by the hub. */

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { projectsQuery, runsQuery } from "~/api/queries";
import { useNow } from "~/components/hooks";
import { Empty, ErrorNotice, Loading } from "~/components/parts";
import { assignColors } from "~/model/colors";
import { discoverColumns, shownColumns } from "~/model/columns";
import { plural } from "~/model/format";
import { tableRows } from "~/model/groups";
import { nextSort, type RunsSearch } from "~/model/search";
import { isActive } from "~/model/states";
import { RunsTable } from "./RunsTable";
import { Toolbar } from "./Toolbar";

const allRoute = getRouteApi("/");
const projectRoute = getRouteApi("/p/$project");

export function AllRunsPage() {
  return <RunsPage project={undefined} search={allRoute.useSearch()} />;
}

export function ProjectRunsPage() {
  const { project } = projectRoute.useParams();
  return <RunsPage key={project} project={project} search={projectRoute.useSearch()} />;
}

function useSwitches(): [
  ReadonlySet<string>,
  (key: string | readonly string[], on?: boolean) => void,
  () => void,
] {
  const [set, setSet] = useState<ReadonlySet<string>>(new Set());
  const change = useCallback((key: string | readonly string[], on?: boolean) => {
    const list = typeof key === "string" ? [key] : key;
    setSet((before) => {
      const next = new Set(before);
      for (const one of list) {
        if (on ?? !before.has(one)) next.add(one);
        else next.delete(one);
      }
      return next;
    });
  }, []);
  const clear = useCallback(() => setSet(new Set()), []);
  return [set, change, clear];
}

function NoRuns({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty title="No run matches">
        <p>Change the search or the states above; the hub searches names, params and tags of all runs.</p>
      </Empty>
    );
  }
  return (
    <Empty
      title="No runs yet"
      commands={[
        ["mlhub demo", "trains and compares three models on a real data set"],
        ["mlhub run experiment.yaml", "runs your own experiment, one run per seed"],
        ["mlhub run experiment.yaml --dry-run", "prints what would happen, and where each value comes from"],
      ]}
    >
      <p>Runs appear here while they train. Start one from a terminal:</p>
    </Empty>
  );
}

function RunsPage({ project, search }: { project: string | undefined; search: RunsSearch }) {
  const navigate = useNavigate();
  const { q, state, experiment, sort, order } = search;
  const runs = useInfiniteQuery(runsQuery({ project, q, state, experiment, sort, order }));
  const projects = useQuery({ ...projectsQuery(), placeholderData: keepPreviousData });
  const [selected, select, clearSelected] = useSwitches();
  const [open, toggleOpen] = useSwitches();
  const rows = useMemo(() => runs.data?.pages.flatMap((page) => page.runs) ?? [], [runs.data]);
  const total = runs.data?.pages[0]?.total ?? 0;
  const now = useNow(rows.some((run) => isActive(run.state)));
  const columns = useMemo(() => discoverColumns(rows), [rows]);
  const shown = useMemo(() => shownColumns(columns, search.cols, rows), [columns, search.cols, rows]);
  const grouped = search.grouped !== false;
  const lines = useMemo(() => tableRows(rows, grouped, open), [rows, grouped, open]);
  const colors = useMemo(() => assignColors(rows.map((run) => run.id)), [rows]);
  const change = useCallback(
    (next: Partial<RunsSearch>) => {
      const merge = (before: RunsSearch) => ({ ...before, ...next });
      void (project === undefined
        ? navigate({ to: "/", search: merge, replace: true })
        : navigate({ to: "/p/$project", params: { project }, search: merge, replace: true }));
    },
    [navigate, project],
  );
  const filtered = Boolean(q || state || experiment);
  return (
    <div className="page fixed">
      <div className="page-head">
        <h1>{project ?? "All runs"}</h1>
        <Toolbar
          project={project}
          projects={projects.data?.projects.map((one) => one.name) ?? []}
          search={search}
          change={change}
          columns={columns}
          shown={shown.map((column) => column.id)}
          selected={[...selected]}
          clearSelected={clearSelected}
        />
      </div>
      {runs.isError ? (
        <div className="page-body">
          <ErrorNotice error={runs.error} retry={() => void runs.refetch()} />
        </div>
      ) : runs.isPending ? (
        <div className="page-body">
          <Loading lines={8} />
        </div>
      ) : rows.length === 0 ? (
        <NoRuns filtered={filtered} />
      ) : (
        <RunsTable
          lines={lines}
          columns={shown}
          sort={sort}
          order={order}
          onSort={(column) => change(nextSort(search, column))}
          selected={selected}
          select={select}
          toggleOpen={toggleOpen}
          colors={colors}
          now={now}
          more={runs.hasNextPage && !runs.isFetchingNextPage ? () => void runs.fetchNextPage() : undefined}
        />
      )}
      <div className="status-line" role="status">
        <span>{runs.data ? plural(total, "run") : ""}</span>
        {rows.length < total && <span className="faint">{rows.length} loaded</span>}
        {runs.isFetchingNextPage && <span className="faint">loading more…</span>}
      </div>
    </div>
  );
}
