/** What a panel draws: its series fetched for what is on screen, turned into curves. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type ChartSeriesRequest, chartSeriesQuery } from "~/api/chartSeries";
import { type Band, meanCurve } from "~/model/bands";
import { PALETTE_SIZE, seriesDash } from "~/model/colors";
import { hiddenByLog, type Range } from "~/model/drawing";
import { evaluate, type Parsed, parse } from "~/model/expression";
import { asked, type Curve, curvesOf, type RawSeries, smoothed } from "~/model/series";
import type { DrawnSettings, Panel } from "~/model/workspace";
import type { PlotData, PlotLine } from "./plot";
import type { ChartGroup, ChartRun } from "./runs";

/** Widths are rounded up to this, so that resizing does not refetch at every pixel. */
const WIDTH_STEP = 250;
/** First, last, least and greatest of every two pixels. */
const POINTS_PER_PIXEL = 2;
const POINTS_PER_PART = 4;
/** Series of a thousand points come whole on any chart of up to sixty. */
const POINTS_MIN = 1000;
/** Points of all series of a chart whose mean or expression wants every point. */
const WHOLE_POINTS = 400_000;
const WHOLE_PER_SERIES_MAX = 50_000;

/** Points of all series of a chart: more is megabytes to read for lines that cannot be told apart. */
const CHART_POINTS = 60_000;
/** A series is never reduced below this by the number of others. */
const CROWDED_POINTS_MIN = 200;

/** Points of each series, as the extremes of its parts where it has more: no spike is lost. */
function pointBudget(width: number, series: number): number {
  const alone = Math.max(POINTS_MIN, Math.ceil(width / WIDTH_STEP) * WIDTH_STEP * POINTS_PER_PIXEL);
  const shared = Math.floor(CHART_POINTS / Math.max(1, series));
  return Math.min(alone, Math.max(CROWDED_POINTS_MIN, shared));
}

/** Enough for the screen; where points are computed with, as many as can be had. */
function pointsAsked(width: number, series: number, whole: boolean): number {
  const budget = pointBudget(width, series);
  if (!whole) return budget;
  return Math.max(budget, Math.min(WHOLE_PER_SERIES_MAX, Math.floor(WHOLE_POINTS / Math.max(1, series))));
}

function metricsIn(panel: Panel, parsed: Parsed | undefined): string[] {
  if (panel.kind === "metric") return [panel.text];
  return parsed?.ok ? [...parsed.metrics].sort() : [];
}

/** One series per run: the metric's, or the expression's. */
function shownSeries(
  series: readonly RawSeries[],
  panel: Panel,
  parsed: Parsed | undefined,
  runs: readonly ChartRun[],
): RawSeries[] {
  if (panel.kind === "metric") return [...series];
  if (!parsed?.ok) return [];
  return runs.flatMap((run) => {
    const own = series.filter((one) => one.run === run.id);
    return evaluate(parsed, panel.text, own) ?? [];
  });
}

function lookOf(index: number): Pick<PlotLine, "color" | "dash"> {
  return { color: `--series-${index % PALETTE_SIZE}`, dash: seriesDash(index) };
}

/** One mean for each group that has a curve; runs of no group stay as they are. */
function grouped(
  series: readonly RawSeries[],
  curves: readonly Curve[],
  groups: readonly ChartGroup[],
  band: Band,
): PlotData {
  const byRun = new Map(series.map((one, i) => [one.run, curves[i]]));
  const found = groups.flatMap((group) => {
    const members = group.runs.flatMap((run) => byRun.get(run) ?? []);
    if (members.length === 0) return [];
    const line: PlotLine = { key: group.key, label: group.name, ...lookOf(group.color) };
    return [{ line, curve: meanCurve(members, band) }];
  });
  return { curves: found.map((one) => one.curve), lines: found.map((one) => one.line) };
}

function lineOf(runs: readonly ChartRun[]): (series: RawSeries) => PlotLine {
  const byId = new Map(runs.map((run) => [run.id, run]));
  return ({ run }) => {
    const known = byId.get(run);
    return { key: run, label: known?.name ?? run, ...lookOf(known?.color ?? 0) };
  };
}

export interface ChartRequest {
  panel: Panel;
  runs: readonly ChartRun[];
  groups: readonly ChartGroup[] | undefined;
  settings: DrawnSettings;
  width: number;
  zoom: Range | undefined;
}

/**
 * The series of a request: all of the range first, and where that had to be reduced, the range
 * zoomed into at full resolution. Series that came whole need no second answer.
 */
function useSeries(request: ChartSeriesRequest, zoom: Range | undefined, enabled: boolean) {
  const whole = useQuery({ ...chartSeriesQuery(request), enabled });
  const reduced = whole.data?.some((series) => !series.exact) ?? false;
  const near = useMemo(() => ({ ...request, range: zoom && asked(zoom) }), [request, zoom]);
  const zoomed = useQuery({ ...chartSeriesQuery(near), enabled: enabled && reduced && zoom !== undefined });
  return zoom && reduced && zoomed.data !== undefined ? zoomed : whole;
}

export function useChartData({ panel, runs, groups, settings, width, zoom }: ChartRequest) {
  const { axis, logX, logY, smoothing, band } = settings;
  const means = groups !== undefined && band !== "none";
  const parsed = useMemo(() => (panel.kind === "expression" ? parse(panel.text) : undefined), [panel]);
  const request = useMemo(() => {
    const metrics = metricsIn(panel, parsed);
    const whole = means || panel.kind === "expression";
    return {
      runs: runs.map((run) => run.id),
      metrics,
      axis,
      range: undefined,
      points: pointsAsked(width, runs.length * metrics.length, whole),
    };
  }, [panel, parsed, runs, means, axis, width]);
  const answer = useSeries(request, zoom, width > 0 && request.metrics.length > 0);
  const fetched = answer.data;
  const series = useMemo(
    () => fetched && shownSeries(fetched, panel, parsed, runs),
    [fetched, panel, parsed, runs],
  );
  const data = useMemo((): PlotData => {
    const list = series ?? [];
    const curves = curvesOf(list, axis, pointBudget(width, list.length) / POINTS_PER_PART);
    const plain = { curves, lines: list.map(lineOf(runs)) };
    const all = means ? grouped(list, curves, groups, band) : plain;
    return { ...all, curves: smoothed(all.curves, smoothing) };
  }, [series, runs, groups, means, band, axis, smoothing, width]);
  const unseen = useMemo(() => hiddenByLog(data.curves, logX, logY), [data, logX, logY]);
  return { answer, series, data, unseen, means };
}
