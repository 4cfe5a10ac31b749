/** One panel: a chart exists only while it is on screen. */

import { memo, type ReactNode, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { useOnScreen, useWidth } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import type { Branch } from "~/model/attempts";
import { clippedRange, countOutside, type Range, wholeRange } from "~/model/drawing";
import { formatFixed, formatNumber, fullNumber, plural } from "~/model/format";
import { directionMark, directionText } from "~/model/metrics";
import type { RawSeries, XAxis } from "~/model/series";
import { type DrawnSettings, PANEL, type Panel, type PanelLayout } from "~/model/workspace";
import { ChartBadges } from "./ChartBadges";
import { FullChart } from "./FullChart";
import type { HoverLink } from "./hover";
import { type PanelActions, PanelMenu } from "./PanelMenu";
import { Plot } from "./Plot";
import type { MetricPlot } from "./plot";
import type { ChartGroup, ChartRun } from "./runs";
import { useBranches } from "./useBranches";
import { useChartData } from "./useChartData";

export const PLOT_HEIGHT = 204;
const PLOT_STEP = 140;

export interface PanelFacts {
  label?: string | null | undefined;
  direction?: string | null | undefined;
}

export interface ChartPanelProps {
  panel: Panel;
  facts?: PanelFacts | undefined;
  runs: readonly ChartRun[];
  groups: readonly ChartGroup[] | undefined;
  settings: DrawnSettings;
  layout?: PanelLayout | undefined;
  syncKey: string;
  hover: HoverLink;
  branches?: readonly Branch[] | undefined;
  actions: PanelActions;
  /** Handles to move and to resize with. */
  children?: ReactNode;
}

export function panelTitle(panel: Panel, facts: PanelFacts | undefined): string {
  return facts?.label ?? panel.text;
}

export function plotHeight(layout: PanelLayout): number {
  return PLOT_HEIGHT + (layout.height - 1) * PLOT_STEP;
}

export const ChartPanel = memo(function ChartPanel(props: ChartPanelProps) {
  const [ref, shown] = useOnScreen<HTMLElement>();
  const title = panelTitle(props.panel, props.facts);
  const height = plotHeight(props.layout ?? PANEL);
  return (
    <article className="chart" ref={ref} aria-label={title}>
      {shown ? (
        <PanelBody {...props} height={height} />
      ) : (
        <>
          <header>
            <h3 className="truncate">{title}</h3>
          </header>
          <div className="plot" style={{ height: height + 6 }} />
        </>
      )}
      {props.children}
    </article>
  );
});

type Zoom = [number, number] | undefined;

/** The range zoomed into; another axis has other coordinates and starts whole. */
function useZoom(axis: XAxis, logX: boolean): [Zoom, (range: Zoom) => void] {
  const key = `${axis} ${logX}`;
  const [zoom, setZoom] = useState<{ key: string; range: Zoom }>({ key, range: undefined });
  useEffect(() => setZoom({ key, range: undefined }), [key]);
  return [zoom.key === key ? zoom.range : undefined, (range) => setZoom({ key, range })];
}

/** The last value of the only run. */
function LastValue({ series }: { series: readonly RawSeries[] | undefined }) {
  const last = series?.length === 1 ? series[0]?.values.at(-1) : undefined;
  if (last === undefined) return null;
  return (
    <span className="muted small" title={`last: ${fullNumber(last)}`}>
      {Number.isFinite(last) ? formatFixed(last) : formatNumber(last)}
    </span>
  );
}

/** What a reader with a screen reader hears of the chart. */
function summary(title: string, series: readonly RawSeries[] | undefined): string {
  if (!series || series.length === 0) return `Chart of ${title}`;
  if (series.length > 1) return `Chart of ${title}: ${plural(series.length, "run")}`;
  return `Chart of ${title}: ${plural(series[0]?.total ?? 0, "point")}, last ${formatNumber(series[0]?.values.at(-1))}`;
}

function useOutside(
  data: ReturnType<typeof useChartData>["data"],
  settings: DrawnSettings,
  zoom: Range | undefined,
): number {
  const { clip, logX, logY } = settings;
  return useMemo(() => {
    if (!clip || data.curves.length === 0) return 0;
    const range = zoom ?? wholeRange(data.curves, logX);
    return countOutside(data.curves, range, clippedRange(data.curves, range, logY));
  }, [data, clip, logX, logY, zoom]);
}

/** What stands in the place of the lines when there are none. */
function messageOf(
  chart: ReturnType<typeof useChartData>,
  runs: number,
  zoomed: boolean,
): string | undefined {
  if (chart.answer.isError) return chart.answer.error.message;
  if (runs === 0) return "No runs are chosen";
  if (chart.series?.length === 0 && !zoomed) return "None of these runs has logged it";
  if (chart.series && chart.data.curves.every((curve) => curve.x.length === 0))
    return "No points in this range";
  return undefined;
}

export function PanelBody(props: ChartPanelProps & { height: number; full?: boolean }) {
  const { panel, facts, settings, hover, height, runs } = props;
  const { axis, logX, logY, clip } = settings;
  const [plotRef, visible] = useOnScreen<HTMLDivElement>();
  const width = useWidth(plotRef);
  const [zoom, setZoom] = useZoom(axis, logX);
  const [full, setFull] = useState(false);
  const handle: RefObject<MetricPlot | undefined> = useRef<MetricPlot | undefined>(undefined);
  const chart = useChartData({ panel, runs, groups: props.groups, settings, width, zoom });
  const data = useBranches({ panel, runs, branches: props.branches, settings, zoom, data: chart.data });
  const outside = useOutside(data, settings, zoom);
  const yRange = props.layout?.y;
  const view = useMemo(() => ({ range: zoom, yRange, clip }), [zoom, yRange, clip]);
  const title = panelTitle(panel, facts);
  const message = messageOf(chart, runs.length, zoom !== undefined);
  return (
    <>
      <header>
        <h3 className="truncate grow" title={`${panel.text} – ${directionText(facts?.direction)}`}>
          {title} <span className="faint">{directionMark(facts?.direction)}</span>
        </h3>
        <ChartBadges chart={chart} outside={outside} hand={yRange !== undefined} />
        {zoom ? (
          <button type="button" className="button" onClick={() => setZoom(undefined)}>
            <Icon name="reset" size={12} /> Reset zoom
          </button>
        ) : (
          <LastValue series={chart.series} />
        )}
        <PanelMenu
          panel={panel}
          title={title}
          layout={props.layout ?? PANEL}
          actions={props.actions}
          exported={() => handle.current && { title, plot: handle.current, data, axis, logX, logY }}
          series={chart.series ?? []}
          runs={runs}
          {...(!props.full && { openFull: () => setFull(true) })}
        />
      </header>
      <div className="plot" ref={plotRef} style={{ height: height + 6 }} aria-busy={chart.answer.isFetching}>
        {visible && chart.series && !message && (
          <Plot
            shape={{ axis, logX, logY, syncKey: props.syncKey }}
            data={data}
            view={view}
            width={width}
            height={height}
            label={summary(title, chart.series)}
            onZoom={setZoom}
            hover={hover}
            handle={handle}
          />
        )}
        {message && <div className="plot-message">{message}</div>}
      </div>
      {full && <FullChart {...props} close={() => setFull(false)} />}
    </>
  );
}
