/** The runs workspace: toolbar, table and charts. The hub filters, sorts and groups; the address says what. */

import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { projectsQuery } from "~/api/queries";
import { PICKED_MAX, rowsBetween } from "~/api/workspace";
import { useNow } from "~/components/hooks";
import { onlyThese } from "~/model/charted";
import { readOperand } from "~/model/language";
import type { RunsSearch } from "~/model/search";
import { isActive } from "~/model/states";
import { ChartPane } from "./ChartPane";
import type { RunLine } from "./lines";
import { SelectAll } from "./SelectAll";
import { SelectionBar } from "./SelectionBar";
import { StatusLine } from "./StatusLine";
import { TablePane } from "./TablePane";
import { Toolbar } from "./Toolbar";
import { useCharted } from "./useCharted";
import type { ChartLayout } from "./useChartLayout";
import { useColumnActions } from "./useColumnActions";
import { useCurves } from "./useCurves";
import { type Rows, useRows } from "./useRows";
import { useSelection } from "./useSelection";
import { useShow } from "./useShow";
import { Workspace } from "./Workspace";

export interface ViewProps {
  /** Absent where runs of all projects are shown and none can be chosen. */
  project?: { name: string | undefined };
  search: RunsSearch;
  change: (next: Partial<RunsSearch>) => void;
  deleted: boolean;
  /** The layout of the charts; absent where there are none. */
  charts?: ChartLayout;
  head: ReactNode;
  /** What stands in the place of no runs at all. */
  empty: ReactNode;
  /** What stands in the place of no run that matches. */
  unmatched: ReactNode;
}

/** Picks the rows between the one picked before and this one, loaded or not. */
function usePickTo(rows: Rows, selection: ReturnType<typeof useSelection>) {
  const queries = useQueryClient();
  const { request, pieces } = rows;
  const pick = useCallback(
    async (line: RunLine, on: boolean) => {
      if (line.kind !== "run") return;
      const from = selection.anchor();
      if (from === undefined || line.at === undefined) {
        selection.set([line.run], on, line.at);
        return;
      }
      const first = Math.max(Math.min(from, line.at), line.at - PICKED_MAX);
      const end = Math.min(Math.max(from, line.at) + 1, line.at + PICKED_MAX);
      const asked = { ...request, columns: [...(pieces[0] ?? [])] };
      selection.set(await rowsBetween(queries, asked, first, end), on, line.at);
    },
    [queries, request, pieces, selection],
  );
  return useCallback((line: RunLine, on: boolean) => void pick(line, on), [pick]);
}

/** Scrolling within so many rows changes nothing outside of the table. */
const SPAN_STEP = 50;

/** Rows whose curves are wanted: those of the blocks on screen. */
function useRowSpan(rows: Rows) {
  const { offsets } = rows.need;
  const [span, setSpan] = useState({ first: 0, end: 50 });
  const change = useCallback((top: number, bottom: number) => {
    const first = Math.floor(top / SPAN_STEP) * SPAN_STEP;
    const end = Math.ceil(bottom / SPAN_STEP) * SPAN_STEP;
    setSpan((before) => (before.first === first && before.end === end ? before : { first, end }));
  }, []);
  return { span: offsets.length > 0 ? span : { first: 0, end: 0 }, change };
}

function tagNames(rows: Rows): string[] {
  return rows.sample.known.columns.flatMap((column) => {
    const operand = column.kind === "tag" ? readOperand(column.id) : undefined;
    return operand ? [operand.name] : [];
  });
}

function useTraining(rows: Rows): boolean {
  const { answer, need } = rows;
  return useMemo(
    () =>
      need.offsets.some((offset) =>
        Array.from({ length: 100 }, (_, i) => answer.runAt(offset + i)).some(
          (run) => run !== undefined && isActive(run.state),
        ),
      ),
    [answer, need],
  );
}

export function RunsView(props: ViewProps) {
  const { search, change, project, deleted } = props;
  const projects = useQuery({ ...projectsQuery(), placeholderData: keepPreviousData });
  const selection = useSelection();
  const rows = useRows({ project: project?.name, search, deleted });
  const show = useShow(search.show, deleted);
  const charted = useCharted(rows, search, change, show !== "table");
  const [hovered, setHovered] = useState<string>();
  const span = useRowSpan(rows);
  const curves = useCurves(rows.answer, rows.curved, span.span);
  const now = useNow(useTraining(rows));
  const pickTo = usePickTo(rows, selection);
  const actions = useColumnActions(rows, search, change);
  const all = projects.data?.projects.map((one) => one.name) ?? [];
  const { answer } = rows;
  const table = (
    <TablePane
      {...props}
      rows={rows}
      curves={curves}
      onRows={span.change}
      sight={show === "table" ? undefined : charted.sight}
      selection={selection}
      pickTo={pickTo}
      all={<SelectAll request={rows.request} total={answer.total} selection={selection} />}
      actions={actions}
      hovered={hovered}
      onHover={setHovered}
      now={now}
    />
  );
  const charts = props.charts && (
    <ChartPane
      charted={charted}
      total={answer.total}
      search={search}
      change={change}
      project={project?.name ?? null}
      layout={props.charts}
      hovered={hovered}
      onHover={setHovered}
    />
  );
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
          mistake={rows.mistake}
          hints={rows.hints}
        />
      </div>
      <SelectionBar
        selection={selection}
        tagNames={tagNames(rows)}
        archived={search.archived !== undefined}
        chart={
          show === "table" || rows.grouped ? undefined : (ids: readonly string[]) => change(onlyThese(ids))
        }
      />
      <Workspace
        show={show}
        split={search.split}
        change={(split) => change({ split })}
        table={table}
        charts={charts}
      />
      <StatusLine rows={rows} search={search} change={change} />
    </>
  );
}
