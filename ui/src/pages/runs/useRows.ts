/** Everything the runs table shows, from what the address says. */

import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { ApiError } from "~/api/http";
import { groupRunsQuery, sampleQuery } from "~/api/queries";
import type { RunFound, RunGroup } from "~/api/types";
import { countQuery } from "~/api/workspace";
import { columnOf, curveColumns, discoverColumns, shownColumns, tellingParams } from "~/model/columns";
import { knownValues } from "~/model/complete";
import { paramOperand, splitList, tagOperand } from "~/model/language";
import type { Members } from "~/model/lines";
import { columnPieces, placeColumns, readWidths } from "~/model/placing";
import { readMistake, shifted } from "~/model/problem";
import {
  ARCHIVED_COLUMN,
  archivedQuery,
  groupKeys,
  ownHints,
  runsRequest,
  summarised,
} from "~/model/request";
import type { RunsSearch } from "~/model/search";
import { type Need, useBlocks } from "./useBlocks";

/** Room for mean, deviation, range and count. */
const STATISTICS_WIDTH = 184;
/** A curve and a number beside it. */
const CURVE_WIDTH = 172;
const START: Need = { offsets: [0], pieces: [0] };

export interface RowsOf {
  project: string | undefined;
  search: RunsSearch;
  deleted: boolean;
}

/** Columns, completions and values that newest runs have. */
export function useKnown(project: string | undefined) {
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

function dataOf<T>(answers: readonly { data?: T | undefined }[]): (T | undefined)[] {
  return answers.map((answer) => answer.data);
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
  const queries = useMemo(() => [...open], [open]);
  const answers = useQueries({
    queries: queries.map((query) => groupRunsQuery(query, columns)),
    combine: dataOf,
  });
  const members = useMemo(() => {
    const found = new Map<string, Members<RunFound>>();
    for (const [i, data] of answers.entries()) if (data) found.set(queries[i] ?? "", data);
    return found;
  }, [answers, queries]);
  return { open, fold, members };
}

/** The columns in their places, with the widths that what they show needs. */
function useColumns(search: RunsSearch, chosen: ReturnType<typeof shownColumns>, grouped: boolean) {
  const widths = useMemo(() => readWidths(search.widths), [search.widths]);
  const curved = useMemo(() => curveColumns(search.curves, chosen), [search.curves, chosen]);
  const columns = useMemo(() => {
    if (!grouped) {
      const ids = new Set(curved.map((column) => column.id));
      const fit = chosen.map((one) => (ids.has(one.id) ? { ...one, width: CURVE_WIDTH } : one));
      return placeColumns(fit, splitList(search.pins ?? ""), widths);
    }
    const keyed = groupKeys(search).flatMap((id) => columnOf(id) ?? []);
    const others = summarised(chosen).filter((one) => !keyed.some((key) => key.id === one.id));
    const all = [...keyed, ...others.map((one) => ({ ...one, width: STATISTICS_WIDTH }))];
    return placeColumns(all, [], widths);
  }, [grouped, chosen, search, curved, widths]);
  return { columns, widths, curved };
}

/** Archived runs that the query would find as well. */
function useArchived({ project, search, deleted }: RowsOf, ready: boolean): number {
  const hidden = !deleted && search.archived === undefined;
  const request = runsRequest(project, search, [], false).request;
  const { states, experiment } = request;
  const query = archivedQuery(search);
  const count = useQuery({
    ...countQuery({ query, project: request.project, experiment, states }),
    enabled: hidden && ready,
    placeholderData: keepPreviousData,
  });
  return hidden ? (count.data?.total ?? 0) : 0;
}

export function useRows(of: RowsOf) {
  const { project, search, deleted } = of;
  const sample = useKnown(project);
  const chosen = useMemo(() => shownColumns(search.cols, sample.runs), [search.cols, sample.runs]);
  const { request, shift } = useMemo(
    () => runsRequest(project, search, chosen, deleted),
    [project, search, chosen, deleted],
  );
  const grouped = request.group_by.length > 0;
  const { columns, widths, curved } = useColumns(search, chosen, grouped);
  const [need, setNeed] = useState<Need>(START);
  const pieces = useMemo(() => {
    if (grouped) return [[]];
    const [first = [], ...others] = columnPieces(request.columns);
    return [search.archived ? [...first, ARCHIVED_COLUMN] : first, ...others];
  }, [grouped, request.columns, search.archived]);
  const pieceOf = useMemo(
    () => new Map(pieces.flatMap((piece, at) => piece.map((id) => [id, at] as const))),
    [pieces],
  );
  const answer = useBlocks(request, pieces, need, sample.ready);
  const ids = useMemo(() => columns.map((column) => column.id), [columns]);
  const { open, fold, members } = useMembers(ids);
  const mistake = answer.error instanceof ApiError ? readMistake(answer.error.details) : undefined;
  const own = search.query ?? "";
  return {
    sample,
    answer,
    request,
    pieces,
    pieceOf,
    need,
    setNeed,
    grouped,
    columns,
    widths,
    curved,
    chosen,
    open,
    fold,
    members,
    archived: useArchived(of, sample.ready && mistake === undefined),
    hints: mistake ? [] : ownHints(answer.hints, shift, own),
    mistake: mistake && mistake.field === "query" ? shifted(mistake, shift, own) : undefined,
  };
}

export type Rows = ReturnType<typeof useRows>;
