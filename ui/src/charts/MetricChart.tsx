/** One metric of one or more runs: fetched when on screen, refetched for the range zoomed into. */

import { useQuery } from "@tanstack/react-query";
import { memo, useEffect, useMemo, useState } from "react";
import { seriesQuery } from "~/api/queries";
import type { MetricView } from "~/api/types";
import { useOnScreen, useWidth } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { formatCount, formatFixed, formatNumber, fullNumber, plural } from "~/model/format";
import { directionMark, directionText } from "~/model/metrics";
import { toFloat } from "~/model/number";
import { align, asked, positiveOnly, type RawSeries, smoothed, type XAxis } from "~/model/series";
import { Plot } from "./Plot";
import type { PlotLine } from "./plot";

export interface ChartRun {
  id: string;
  name: string;
  color: number;
}

export interface ChartSettings {
  axis: XAxis;
  logY: boolean;
  /** Weight of the moving average, 0 for none. */
  smoothing: number;
}

const HEIGHT = 204;
/** Widths are rounded up to this, so that resizing does not refetch at every pixel. */
const WIDTH_STEP = 240;
/** First, last, least and greatest of every two pixels. */
const POINTS_PER_PIXEL = 2;
const POINTS_PER_PART = 4;

function pointBudget(width: number): number {
  return Math.max(1, Math.ceil(width / WIDTH_STEP)) * WIDTH_STEP * POINTS_PER_PIXEL;
}

interface Props {
  metric: string;
  title: string;
  runs: readonly ChartRun[];
  settings: ChartSettings;
  syncKey: string;
  facts?: Pick<MetricView, "direction" | "last">;
}

export const MetricChart = memo(function MetricChart(props: Props) {
  const [ref, shown] = useOnScreen<HTMLElement>();
  return (
    <article className="chart" ref={ref} aria-label={props.title}>
      {shown ? <Body {...props} /> : <Placeholder {...props} />}
    </article>
  );
});

function Placeholder({ title }: Props) {
  return (
    <>
      <header>
        <h3 className="truncate">{title}</h3>
      </header>
      <div className="plot" />
    </>
  );
}

type Range = [number, number] | undefined;

function useChartData(props: Props, width: number, zoom: Range) {
  const { runs, metric, settings } = props;
  const { axis, logY, smoothing } = settings;
  const ids = useMemo(() => runs.map((run) => run.id), [runs]);
  const range = useMemo(() => (zoom ? asked(zoom) : undefined), [zoom]);
  const budget = pointBudget(width);
  const answer = useQuery({
    ...seriesQuery({ runs: ids, metric, axis, range, points: budget }),
    enabled: width > 0,
  });
  const series = answer.data?.series;
  const drawn = useMemo(() => {
    const list = series ?? [];
    const whole = align(list as unknown as RawSeries[], axis, budget / POINTS_PER_PART);
    const data = smoothed(logY ? positiveOnly(whole) : whole, smoothing);
    const lines = data.columns.map((column): PlotLine => {
      const run = runs.find((one) => one.id === list[column.series]?.run);
      return { label: run?.name ?? "", color: `--series-${run?.color ?? 0}`, role: column.role };
    });
    return { data, lines };
  }, [series, runs, axis, logY, smoothing, budget]);
  return { answer, series, drawn };
}

/** The range zoomed into; another axis has other coordinates and starts whole. */
function useZoom(axis: XAxis): [Range, (range: Range) => void] {
  const [zoom, setZoom] = useState<{ axis: XAxis; range: Range }>({ axis, range: undefined });
  useEffect(() => setZoom({ axis, range: undefined }), [axis]);
  return [zoom.axis === axis ? zoom.range : undefined, (range) => setZoom({ axis, range })];
}

function Body(props: Props) {
  const { title, settings, syncKey, facts } = props;
  const [plotRef, visible] = useOnScreen<HTMLDivElement>();
  const width = useWidth(plotRef);
  const [zoom, setZoom] = useZoom(settings.axis);
  const { answer, series, drawn } = useChartData(props, width, zoom);
  const message = answer.isError
    ? answer.error.message
    : series && drawn.data.x.length === 0
      ? "No points in this range"
      : undefined;
  return (
    <>
      <header>
        <h3 className="truncate grow" title={`${props.metric} – ${directionText(facts?.direction)}`}>
          {title} <span className="faint">{directionMark(facts?.direction)}</span>
        </h3>
        <Badges series={series ?? []} />
        {zoom ? (
          <button type="button" className="button" onClick={() => setZoom(undefined)}>
            <Icon name="reset" size={12} /> Reset zoom
          </button>
        ) : (
          facts && (
            <span className="muted small" title={`last: ${fullNumber(facts.last)}`}>
              {Number.isFinite(toFloat(facts.last)) ? formatFixed(facts.last) : formatNumber(facts.last)}
            </span>
          )
        )}
      </header>
      <div className="plot" ref={plotRef} aria-busy={answer.isFetching}>
        {visible && series && !message && (
          <Plot
            spec={{ lines: drawn.lines, axis: settings.axis, logY: settings.logY, syncKey, onZoom: setZoom }}
            data={drawn.data}
            width={width}
            height={HEIGHT}
            range={zoom}
            label={`Chart of ${title}`}
          />
        )}
        {message && <div className="plot-message">{message}</div>}
      </div>
    </>
  );
}

type Facts = { exact: boolean; total: number; steps: readonly number[]; non_finite?: number };

/** What the eye might miss: values that are no numbers, and that not every point is drawn. */
function Badges({ series }: { series: readonly Facts[] }) {
  const bad = series.reduce((sum, one) => sum + (one.non_finite ?? 0), 0);
  const total = series.reduce((sum, one) => sum + one.total, 0);
  const reduced = series.some((one) => !one.exact);
  return (
    <>
      {reduced && (
        <span
          className="badge outline"
          title={`${formatCount(total)} points: the band shows the smallest and largest of each part, so no spike is lost. Drag over a range to see it in full.`}
        >
          min–max
        </span>
      )}
      {bad > 0 && (
        <span
          className="badge warn"
          title="NaN is marked at the bottom edge by a triangle, infinities at the edge they go past by an arrow"
        >
          {plural(bad, "non-finite", "non-finite")}
        </span>
      )}
    </>
  );
}
