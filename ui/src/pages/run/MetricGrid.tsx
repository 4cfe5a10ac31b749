/** Charts of one run, by section; a chart exists only while it is on screen. */

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { metricsQuery } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import { ChartControls, useChartSettings } from "~/charts/ChartControls";
import { MetricChart } from "~/charts/MetricChart";
import { Empty, ErrorNotice, Loading } from "~/components/parts";
import { colorIndex } from "~/model/colors";
import { plural } from "~/model/format";
import { sections } from "~/model/metrics";
import type { XAxis } from "~/model/series";

/** Up to this many charts stand in one grid; more are told apart by section. */
const SECTIONS_FROM = 6;

export function MetricGrid(props: {
  run: RunDetail;
  include: (name: string) => boolean;
  axis?: XAxis;
  empty: string;
}) {
  const { run, include } = props;
  const query = useQuery(metricsQuery(run.id));
  const [kept, setKept] = useChartSettings();
  const [axis, setAxis] = useState(props.axis);
  const [filter, setFilter] = useState("");
  const settings = useMemo(() => (axis ? { ...kept, axis } : kept), [kept, axis]);
  const runs = useMemo(() => [{ id: run.id, name: run.name, color: colorIndex(run.id) }], [run.id, run.name]);
  if (query.isPending) return <Loading />;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  const metrics = query.data.metrics.filter((metric) => include(metric.name));
  if (metrics.length === 0) {
    return (
      <Empty title="Nothing to draw">
        <p>{props.empty}</p>
      </Empty>
    );
  }
  const needle = filter.toLowerCase();
  const found = metrics.filter((metric) =>
    `${metric.name} ${metric.label ?? ""}`.toLowerCase().includes(needle),
  );
  return (
    <>
      <div className="toolbar">
        <input
          data-search
          type="search"
          className="input search"
          placeholder={`Find among ${plural(metrics.length, "metric")}  ( / )`}
          aria-label="Find a metric"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <span className="grow" />
        <ChartControls
          settings={settings}
          onChange={(next) => {
            if (axis) setAxis(next.axis);
            setKept(axis ? { ...next, axis: kept.axis } : next);
          }}
        />
      </div>
      {(found.length <= SECTIONS_FROM ? [["all", found] as const] : sections(found)).map(
        ([section, list]) => (
          <section key={section} className="stack tight" aria-label={section}>
            {found.length > SECTIONS_FROM && (
              <div className="section-head">
                <h2>{section}</h2>
                <span className="faint small">{list.length}</span>
              </div>
            )}
            <div className="chart-grid">
              {list.map((metric) => (
                <MetricChart
                  key={metric.name}
                  metric={metric.name}
                  title={metric.label ?? metric.name}
                  runs={runs}
                  settings={settings}
                  syncKey={`run:${run.id}`}
                  facts={metric}
                />
              ))}
            </div>
          </section>
        ),
      )}
      {found.length === 0 && <p className="muted">No metric is named like that.</p>}
    </>
  );
}
