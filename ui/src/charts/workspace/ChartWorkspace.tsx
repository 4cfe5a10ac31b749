/**
 * Charts of any number of runs, arranged by the reader: sections by metric prefix, pinned panels
 * on top, expressions, a search. The layout is the caller's to keep (in a saved view, or the browser).
 */

import { useEffect, useMemo, useRef, useState } from "react";
import { useWidth } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { Empty, ErrorNotice, Loading } from "~/components/parts";
import type { Branch } from "~/model/attempts";
import { formatCount, plural } from "~/model/format";
import { NAMES_MAX } from "~/model/metricNames";
import type { XAxis } from "~/model/series";
import {
  type DrawnSettings,
  drawnSettings,
  isFolded,
  type NamedMetric,
  readLayout,
  readSearch,
  type Section,
  sectionsOf,
  type WorkspaceLayout,
  withExpression,
} from "~/model/workspace";
import { ChartControls } from "../ChartControls";
import { HoverLink } from "../hover";
import { type ChartGroup, type ChartRun, seedGroups } from "../runs";
import { AddPanel } from "./AddPanel";
import { BranchLegend } from "./BranchLegend";
import { type Columns, SectionGrid, type Shared } from "./SectionGrid";
import { type Arranging, useArranging } from "./useArranging";
import { useMetrics } from "./useMetrics";

export type { ChartGroup, ChartRun } from "../runs";

/** A panel is no narrower than this where there is room. */
const PANEL_WIDTH_MIN = 340;
const GAP = 12;
/** Sections in the page until the reader asks for more. */
const SECTIONS_SHOWN = 40;

export interface ChartWorkspaceProps {
  runs: readonly ChartRun[];
  groups?: readonly ChartGroup[] | undefined;
  /** What `onLayout` last gave, or anything that was kept of it. */
  layout: unknown;
  onLayout: (layout: WorkspaceLayout) => void;
  onHover?: (run: string | undefined) => void;
  /** The run pointed at elsewhere. */
  hovered?: string | undefined;
  /** Where names of metrics are looked up, null for all projects; absent: every run is looked at. */
  project?: string | null;
  /** Which metrics belong here; all when absent. Must not change from drawing to drawing. */
  include?: (metric: string) => boolean;
  /** The axis until the reader chooses one. */
  axis?: XAxis;
  empty?: string;
  /** Branches that resumes of the only run left behind, for drawing them on request. */
  branches?: readonly Branch[] | undefined;
}

/** Hands the run pointed at to and fro between charts and the page around them. */
function useHover(props: ChartWorkspaceProps, groups: readonly ChartGroup[] | undefined): HoverLink {
  const { hovered, onHover } = props;
  const [link] = useState(() => new HoverLink());
  const latest = useRef(onHover);
  latest.current = onHover;
  const groupOf = useMemo(
    () => new Map(groups?.flatMap((group) => group.runs.map((run) => [run, group.key] as const))),
    [groups],
  );
  // What the page said is not told back to it.
  const fromPage = useRef(false);
  useEffect(() => {
    fromPage.current = true;
    link.point(hovered && (groupOf.get(hovered) ?? hovered));
    fromPage.current = false;
  }, [link, hovered, groupOf]);
  useEffect(() => {
    const single = new Map(
      groups?.map((group) => [group.key, group.runs.length === 1 ? group.runs[0] : undefined]),
    );
    return link.listen((key) => {
      if (fromPage.current) return;
      const run = key !== undefined && single.has(key) ? single.get(key) : key;
      latest.current?.(run);
    });
  }, [link, groups]);
  return link;
}

function columnsOf(width: number): Columns {
  const count = Math.max(1, Math.floor((width + GAP) / (PANEL_WIDTH_MIN + GAP)));
  return { count, pitch: (width + GAP) / count };
}

export function ChartWorkspace(props: ChartWorkspaceProps) {
  const { runs, include } = props;
  const kept = useMemo(() => withAxis(props.layout, props.axis), [props.layout, props.axis]);
  const arranging = useArranging(kept, props.onLayout);
  const { layout } = arranging;
  const found = useMetrics(runs, props.project);
  const metrics = useMemo(
    () => (include ? found.metrics.filter((metric) => include(metric.name)) : found.metrics),
    [found.metrics, include],
  );
  const seeds = useMemo(() => props.groups ?? seedGroups(runs), [props.groups, runs]);
  const isGrouped = props.groups !== undefined;
  const settings = useMemo(() => drawnSettings(layout.settings, isGrouped), [layout.settings, isGrouped]);
  const groups = settings.band === "none" ? undefined : seeds;
  const hover = useHover(props, groups);
  const [text, setText] = useState("");
  const search = useMemo(() => readSearch(text), [text]);
  const sections = useMemo(
    () => sectionsOf(metrics, layout, search.ok ? search.matches : () => true),
    [metrics, layout, search],
  );
  const shared = useShared({ runs, groups, hover, metrics, settings, branches: props.branches });
  if (runs.length === 0) {
    return (
      <Empty title="No runs chosen">
        <p>Choose runs to see their charts here.</p>
      </Empty>
    );
  }
  if (found.pending) return <Loading />;
  if (found.error) return <ErrorNotice error={found.error} />;
  if (metrics.length === 0) {
    return (
      <Empty title="Nothing to draw">
        <p>
          {props.empty ??
            'None of these runs has logged a metric yet. A line such as {"step": 1, "metrics": {"loss": 0.5}} on its output is enough.'}
        </p>
      </Empty>
    );
  }
  return (
    <div className="chart-workspace">
      <WorkspaceBar
        text={text}
        onText={setText}
        mistake={search.ok ? undefined : search.message}
        metrics={metrics}
        arranging={arranging}
        grouped={seeds !== undefined}
        band={settings.band}
        branched={(props.branches?.length ?? 0) > 0}
      />
      {settings.superseded && runs[0] && props.branches && (
        <BranchLegend run={runs[0]} branches={props.branches} />
      )}
      {found.beyond > 0 && (
        <p className="muted small sampled">
          {plural(found.beyond, "seldom metric")} beyond the most frequent {formatCount(NAMES_MAX)} of the
          project may be missing here.
        </p>
      )}
      <Sections
        sections={sections}
        arranging={arranging}
        shared={shared}
        searching={text.trim() !== "" && search.ok}
      />
      <p className="visually-hidden" aria-live="polite">
        {arranging.told}
      </p>
    </div>
  );
}

/** A layout that says nothing of the axis starts with the page's. */
function withAxis(layout: unknown, axis: XAxis | undefined): unknown {
  if (!axis || (typeof layout === "object" && layout !== null && "version" in layout)) return layout;
  const read = readLayout(layout);
  return { ...read, settings: { ...read.settings, axis } };
}

let workspaces = 0;

function useShared(
  parts: Omit<Shared, "syncKey" | "facts"> & {
    metrics: readonly (NamedMetric & { direction?: string | null })[];
  },
): Shared {
  const { runs, groups, hover, metrics, settings, branches } = parts;
  const [syncKey] = useState(() => {
    workspaces += 1;
    return `charts-${workspaces}`;
  });
  const facts = useMemo(() => new Map(metrics.map((metric) => [metric.name, metric])), [metrics]);
  return useMemo(
    () => ({ runs, groups, settings, syncKey, hover, facts, branches }),
    [runs, groups, settings, syncKey, hover, facts, branches],
  );
}

function WorkspaceBar(props: {
  text: string;
  onText: (text: string) => void;
  mistake: string | undefined;
  metrics: readonly NamedMetric[];
  arranging: Arranging;
  grouped: boolean;
  band: DrawnSettings["band"];
  branched: boolean;
}) {
  const { metrics, arranging, mistake } = props;
  const { layout, change, actions } = arranging;
  const names = useMemo(() => new Set(metrics.map((metric) => metric.name)), [metrics]);
  return (
    <div className="chart-bar">
      <div className="chart-search">
        <input
          data-search
          type="search"
          className="input search"
          placeholder={`Find among ${plural(metrics.length, "metric")}  ( / )`}
          aria-label="Find a metric; regular expressions are understood"
          aria-invalid={mistake !== undefined}
          value={props.text}
          onChange={(event) => props.onText(event.target.value)}
        />
        {mistake && (
          <span className="mistake" role="status">
            {mistake}
          </span>
        )}
      </div>
      <AddPanel
        metrics={names}
        layout={layout}
        onExpression={(text) => change((before) => withExpression(before, text))}
        onShow={(id) => actions.remove({ id, kind: "metric", text: id.slice(2) })}
      />
      <span className="grow" />
      <ChartControls
        settings={layout.settings}
        grouped={props.grouped}
        band={props.band}
        branched={props.branched}
        onChange={(settings) => change((before) => ({ ...before, settings }))}
      />
    </div>
  );
}

function Sections(props: {
  sections: readonly Section[];
  arranging: Arranging;
  shared: Shared;
  /** Sections that were folded open for a search. */
  searching: boolean;
}) {
  const { sections, arranging, shared, searching } = props;
  const [most, setMost] = useState(SECTIONS_SHOWN);
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const columns = useMemo(() => columnsOf(width), [width]);
  const left = sections.length - most;
  return (
    <div ref={host} className="chart-sections">
      {width > 0 &&
        sections
          .slice(0, most)
          .map((section, place) => (
            <SectionGrid
              key={section.name}
              section={section}
              folded={
                searching
                  ? arranging.layout.folded.includes(section.name)
                  : isFolded(arranging.layout, section.name, place)
              }
              columns={columns}
              shared={shared}
              arranging={arranging}
            />
          ))}
      {left > 0 && (
        <button type="button" className="button" onClick={() => setMost(most + SECTIONS_SHOWN)}>
          <Icon name="plus" size={13} /> {plural(Math.min(left, SECTIONS_SHOWN), "more section")}
        </button>
      )}
      {sections.length === 0 && <p className="muted">No metric is named like that.</p>}
    </div>
  );
}
