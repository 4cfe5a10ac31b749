/** A uPlot canvas that follows its container's width, the theme and its data. */

import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import { useResolvedTheme } from "~/components/theme";
import type { Aligned } from "~/model/series";
import { type PlotSpec, plotOptions } from "./plot";

function columnsOf(data: Aligned): uPlot.AlignedData {
  return [data.x, ...data.columns.map((column) => column.values)] as uPlot.AlignedData;
}

export function Plot(props: {
  spec: PlotSpec;
  data: Aligned;
  width: number;
  height: number;
  /** The x range shown; undefined: all of the data. */
  range: readonly [number, number] | undefined;
  label: string;
}) {
  const { spec, data, width, height, range } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const theme = useResolvedTheme();
  const latest = useRef({ spec, data, width, height });
  latest.current = { spec, data, width, height };

  // A change of any of these needs a new canvas; data, size and range do not.
  const shape = useMemo(() => JSON.stringify([spec.lines, spec.axis, spec.logY, theme]), [spec, theme]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for the parts of spec that matter
  useEffect(() => {
    if (!host.current || width === 0) return;
    const now = latest.current;
    const onZoom: PlotSpec["onZoom"] = (zoom) => latest.current.spec.onZoom(zoom);
    const options = plotOptions(
      { ...now.spec, onZoom },
      { width: now.width, height: now.height },
      () => latest.current.data.marks,
    );
    const made = new uPlot(options, columnsOf(now.data), host.current);
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, width === 0]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new canvas (`shape`) starts from this data
  useEffect(() => {
    const made = plot.current;
    if (!made || data.columns.length !== made.series.length - 1) return;
    made.batch(() => {
      made.setData(columnsOf(data));
      if (range) made.setScale("x", { min: range[0], max: range[1] });
    });
  }, [data, range, shape]);

  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);

  return <div ref={host} role="img" aria-label={props.label} />;
}
