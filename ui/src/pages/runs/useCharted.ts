/** The runs, or groups of runs, that the charts draw, and the eyes that choose them. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { groupRunsQuery, runsBlockQuery } from "~/api/queries";
import type { RunFound, RunGroup } from "~/api/types";
import { runsByIdsQuery } from "~/api/workspace";
import type { ChartGroup, ChartRun } from "~/charts/workspace/ChartWorkspace";
import {
  CHARTED_GROUPS_MAX,
  CHARTED_MAX,
  type Charted,
  charted,
  groupKey,
  isOpen,
  readEyes,
  withEye,
} from "~/model/charted";
import { colorIndex, distinctColors, groupColor } from "~/model/colors";
import { leadingOffsets } from "~/model/rows";
import type { RunsSearch } from "~/model/search";
import { keysText } from "./cells";
import type { Sight } from "./lines";
import type { Rows } from "./useRows";

const NOTHING: readonly string[] = [];

export interface ChartedRuns {
  runs: ChartRun[];
  groups: ChartGroup[] | undefined;
  sight: Sight;
  /** Rows drawn, and those left out because there are too many. */
  count: number;
  left: number;
  /** Whether eyes were opened or closed by hand. */
  chosen: boolean;
}

/** The first rows, from the same blocks as the table's. */
function useFirst(rows: Rows, top: number, enabled: boolean) {
  const { request, pieces } = rows;
  return useQueries({
    queries: leadingOffsets(Math.max(1, top)).map((offset) => ({
      ...runsBlockQuery({ ...request, columns: [...(pieces[0] ?? [])] }, offset),
      enabled,
    })),
    combine: (answers) => ({
      runs: answers.flatMap((answer) => answer.data?.runs ?? []),
      groups: answers.flatMap((answer) => answer.data?.groups ?? []),
    }),
  });
}

function chartRun(run: RunFound, seedGroup?: string): ChartRun {
  const group = seedGroup ?? run.group ?? undefined;
  return { id: run.id, name: run.name, color: colorIndex(run.id), ...(group && { seedGroup: group }) };
}

/** The runs of the groups drawn. */
function useGroups(groups: readonly RunGroup[], colors: ReadonlyMap<string, number>, enabled: boolean) {
  return useQueries({
    queries: groups.map((group) => ({ ...groupRunsQuery(group.query, NOTHING), enabled })),
    combine: (answers) => {
      const runs: ChartRun[] = [];
      const drawn: ChartGroup[] = [];
      answers.forEach((answer, i) => {
        const group = groups[i];
        const found = answer.data?.runs;
        if (!group || !found) return;
        const key = groupKey(group);
        const room = found.slice(0, Math.max(0, CHARTED_MAX - runs.length));
        runs.push(...room.map((run) => chartRun(run, key)));
        const ids = room.map((run) => run.id);
        const color = colors.get(group.query) ?? groupColor(group.query);
        if (ids.length > 0) drawn.push({ key, name: keysText(group), color, runs: ids });
      });
      return { runs, drawn };
    },
  });
}

export function useCharted(
  rows: Rows,
  search: RunsSearch,
  change: (next: Partial<RunsSearch>) => void,
  enabled: boolean,
): ChartedRuns {
  const { grouped, answer } = rows;
  const eyes = useMemo(
    () => readEyes({ ...search, ...(grouped && { top: Math.min(search.top ?? 10, CHARTED_GROUPS_MAX) }) }),
    [search, grouped],
  );
  const first = useFirst(rows, eyes.top, enabled);
  const far = useQuery({
    ...runsByIdsQuery(useMemo(() => [...eyes.on].sort(), [eyes])),
    enabled: enabled && !grouped && eyes.on.size > 0,
  });
  const rowsDrawn = useMemo((): Charted<RunFound> => {
    if (grouped) return { rows: [], left: 0 };
    return charted(eyes, first.runs, far.data?.runs ?? [], (run) => run.id, CHARTED_MAX);
  }, [grouped, eyes, first.runs, far.data]);
  const groupsDrawn = useMemo((): Charted<RunGroup> => {
    if (!grouped) return { rows: [], left: 0 };
    const loaded = answer.groups.map(([, group]) => group);
    return charted(eyes, first.groups, loaded, groupKey, CHARTED_GROUPS_MAX);
  }, [grouped, eyes, first.groups, answer.groups]);
  const colors = useMemo(() => distinctColors(groupsDrawn.rows.map((group) => group.query)), [groupsDrawn]);
  const inGroups = useGroups(groupsDrawn.rows, colors, enabled && grouped);
  const look = useCallback(
    (key: string, at: number | undefined, open: boolean) => change(withEye(eyes, key, at, open)),
    [eyes, change],
  );
  const sight = useMemo(
    (): Sight => ({
      isOpen: (key, at) => isOpen(eyes, key, at),
      look,
      groupColor: (query) => colors.get(query) ?? groupColor(query),
    }),
    [eyes, look, colors],
  );
  const runs = useMemo(() => rowsDrawn.rows.map((run) => chartRun(run)), [rowsDrawn]);
  return {
    runs: grouped ? inGroups.runs : runs,
    groups: grouped ? inGroups.drawn : undefined,
    sight,
    count: grouped ? groupsDrawn.rows.length : runs.length,
    left: grouped ? groupsDrawn.left : rowsDrawn.left,
    chosen: eyes.on.size > 0 || eyes.off.size > 0,
  };
}
