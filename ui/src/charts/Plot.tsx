/** The canvas of a chart in React: follows its container's width, the theme, its data and its view. */

import { type RefObject, useEffect, useMemo, useRef } from "react";
import { useResolvedTheme } from "~/components/theme";
import type { HoverLink } from "./hover";
import { MetricPlot, type PlotData, type PlotEvents, type PlotShape, type PlotView } from "./plot";

export function Plot(props: {
  shape: PlotShape;
  data: PlotData;
  view: PlotView;
  width: number;
  height: number;
  label: string;
  onZoom: PlotEvents["onZoom"];
  hover: HoverLink;
  /** Holds the plot while it is there, for exports. */
  handle?: RefObject<MetricPlot | undefined> | undefined;
}) {
  const { data, view, width, height, hover, handle } = props;
  const { axis, logX, logY, syncKey } = props.shape;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<MetricPlot | undefined>(undefined);
  const theme = useResolvedTheme();
  const latest = useRef(props);
  latest.current = props;
  const shape = useMemo(() => ({ axis, logX, logY, syncKey }), [axis, logX, logY, syncKey]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours of another theme need a new canvas
  useEffect(() => {
    if (!host.current || width === 0) return;
    const events: PlotEvents = {
      onZoom: (range) => latest.current.onZoom(range),
      onHover: (key) => hover.point(key),
    };
    const made = new MetricPlot(host.current, shape, latest.current, events);
    plot.current = made;
    if (handle) handle.current = made;
    made.highlight(hover.key);
    const stop = hover.listen((key) => made.highlight(key));
    return () => {
      stop();
      made.destroy();
      plot.current = undefined;
      if (handle) handle.current = undefined;
    };
  }, [shape, theme, width === 0, hover, handle]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new canvas starts from this data and view
  useEffect(() => plot.current?.show(data, view), [data, view, shape, theme]);

  useEffect(() => {
    if (width > 0) plot.current?.setSize(width, height);
  }, [width, height]);

  return (
    <div
      ref={host}
      className="plot-host"
      data-lines={data.curves.length}
      role="group"
      aria-roledescription="chart"
      aria-label={props.label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrows pan, plus and minus zoom, 0 shows all
      tabIndex={0}
      onPointerLeave={() => hover.point(undefined)}
    />
  );
}
