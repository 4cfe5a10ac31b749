/** One metric of one or more runs: fetched when on screen, refetched for the range zoomed into. */

import { useQuery } from "@tanstack/react-query";
import { memo, useMemo, useState } from "react";
import { seriesQuery } from "~/api/queries";
import type { MetricView } from "~/api/types";
import { useOnScreen, useWidth } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { formatFixed, formatNumber, fullNumber, plural } from "~/model/format";
import { directionMark, directionText } from "~/model/metrics";
import { type ApiNumber, toFloat } from "~/model/number";
import { align, positiveOnly, smoothed, stepRange, type XAxis } from "~/model/series";
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
const POINTS_PER_PIXEL = 2;

function pointBudget(width: number): number {
  return Math.max(1, Math.ceil(width / WIDTH_STEP)) * WIDTH_STEP * POINTS_PER_PIXEL;
}

interface Props {
  metric: string;
  title: string;
  runs: readonly ChartRun[];
  settings: ChartSettings;
  syncKey: string;
  facts?: Pick<MetricView, "direction" | "non_finite" | "last">;
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

function useChartData(props: Props, width: number, zoom: [number, number] | undefined, steps: Steps) {
  const { runs, metric, settings } = props;
  const ids = useMemo(() => runs.map((run) => run.id), [runs]);
  const answer = useQuery({
    ...seriesQuery({ runs: ids, metric, from: steps?.[0], to: steps?.[1], points: pointBudget(width) }),
    enabled: width > 0,
  });
  const series = answer.data?.series;
  const drawn = useMemo(() => {
    const list = series ?? [];
    const raw = align(
      list as { run: string; steps: number[]; times_ms: number[]; values: ApiNumber[] }[],
      settings.axis,
    );
    const data = settings.logY ? positiveOnly(raw) : raw;
    const named = list.map((one) => runs.find((run) => run.id === one.run));
    const line =
      (faint: boolean) =>
      (run: ChartRun | undefined): PlotLine => ({
        label: run?.name ?? "",
        color: `--series-${run?.color ?? 0}`,
        faint,
      });
    if (settings.smoothing === 0) return { data, lines: named.map(line(false)) };
    const soft = smoothed(data, settings.smoothing);
    return {
      data: { ...data, columns: [...data.columns, ...soft.columns] },
      lines: [...named.map(line(true)), ...named.map(line(false))],
    };
  }, [series, runs, settings]);
  return { answer, series, drawn, zoom };
}

type Steps = [number, number] | undefined;

function Body(props: Props) {
  const { title, settings, syncKey, facts } = props;
  const [plotRef, visible] = useOnScreen<HTMLDivElement>();
  const width = useWidth(plotRef);
  const [zoom, setZoom] = useState<[number, number]>();
  const [steps, setSteps] = useState<Steps>();
  const { answer, series, drawn } = useChartData(props, width, zoom, steps);
  const bad = facts?.non_finite ?? drawn.data.nonFinite.length;
  const reset = () => {
    setZoom(undefined);
    setSteps(undefined);
  };
  const onZoom = (range: [number, number] | undefined) => {
    if (!range) return reset();
    setZoom(range);
    setSteps(stepRange((series ?? []) as never[], settings.axis, range));
  };
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
        {bad > 0 && (
          <span className="badge warn" title="Values that are NaN or infinite, marked at the bottom edge">
            {plural(bad, "non-finite", "non-finite")}
          </span>
        )}
        {zoom ? (
          <button type="button" className="button" onClick={reset}>
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
      <div className="plot" ref={plotRef}>
        {visible && series && !message && (
          <Plot
            spec={{ lines: drawn.lines, axis: settings.axis, logY: settings.logY, syncKey, onZoom }}
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
