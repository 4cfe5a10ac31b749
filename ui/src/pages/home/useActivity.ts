/** Runs per day and project over the last days, from one bounded answer. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { activityQuery } from "~/api/queries";
import { useNow } from "~/components/hooks";
import { activityByProject, type DayCount, dayStart, lastDays } from "~/model/activity";

export const ACTIVITY_DAYS = 14;
/** Newest runs counted; with more in these days the picture says that it is cut. */
const COUNTED_MAX = 1_000;

export interface Activity {
  of: (project: string) => readonly DayCount[];
  /** The busiest day of any project. */
  most: number;
  /** Set when there were more runs than are counted. */
  cut: number | undefined;
}

export function useActivity(): Activity {
  const data = useQuery(activityQuery(ACTIVITY_DAYS, COUNTED_MAX)).data;
  const today = dayStart(useNow(false));
  return useMemo(() => {
    const runs = data?.runs ?? [];
    const found = activityByProject(runs, today, ACTIVITY_DAYS);
    const none = lastDays(today, ACTIVITY_DAYS).map((day) => ({ day, runs: 0, bad: 0 }));
    const most = Math.max(1, ...[...found.values()].flat().map((day) => day.runs));
    const cut = data && data.total > runs.length ? runs.length : undefined;
    return { of: (project: string) => found.get(project) ?? none, most, cut };
  }, [data, today]);
}
