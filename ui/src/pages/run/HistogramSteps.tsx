/** A histogram over its steps: as a heat map, as ridges, or one step with its counts. */

import { type PointerEvent, useCallback, useMemo, useRef, useState } from "react";
import { useCanvas } from "~/charts/analysis/useCanvas";
import { CHART, ChartFrame } from "~/charts/frame";
import { css } from "~/charts/plotColor";
import { useWidth } from "~/components/hooks";
import { Segments } from "~/components/parts";
import { formatCount, formatNumber, plural } from "~/model/format";
import { bars, edgeRange, type Gallery, type MediaItem } from "~/model/media";
import { buildRidges, evenly, RIDGE_BINS, type Ridges } from "~/model/ridges";
import { linear, ticks } from "~/model/scale";

const HEIGHT = 250;
const LEFT = 52;
const BOTTOM = 26;
const TOP = 8;
const RIDGES_MAX = 24;
/** How far a ridge reaches over those behind it. */
const RIDGE_REACH = 2.6;

type View = "heat" | "ridges" | "step";

interface Props {
  gallery: Gallery;
  /** Place of the step that is looked at. */
  at: number;
  onStep: (step: number) => void;
}

export function HistogramSteps({ gallery, at, onStep }: Props) {
  const ridges = useMemo(() => buildRidges(gallery), [gallery]);
  const [view, setView] = useState<View>("heat");
  const step = gallery.steps[at] ?? 0;
  const item = gallery.items.get(step)?.at(-1);
  if (!item) return null;
  if (!ridges || gallery.steps.length < 2) return <Histogram gallery={gallery} item={item} />;
  return (
    <div className="stack tight">
      <Segments
        label={`View of ${gallery.name}`}
        value={view}
        onChange={setView}
        options={[
          ["heat", "Over steps"],
          ["ridges", "Ridges"],
          ["step", "One step"],
        ]}
      />
      {view === "heat" && <HeatMap ridges={ridges} name={gallery.name} at={at} onStep={onStep} />}
      {view === "ridges" && <RidgeChart ridges={ridges} name={gallery.name} step={step} />}
      {view === "step" ? <Histogram gallery={gallery} item={item} /> : <StepText item={item} />}
    </div>
  );
}

function StepText({ item }: { item: MediaItem }) {
  const total = item.counts.reduce((sum, count) => sum + count, 0);
  return (
    <p className="muted small row wrap">
      step {formatCount(item.step)}: {plural(total, "value")}
      {item.nonFinite > 0 && <span className="badge warn">{formatCount(item.nonFinite)} not finite</span>}
    </p>
  );
}

interface Drawn {
  ridges: Ridges;
  at: number;
}

function drawHeat(context: CanvasRenderingContext2D, { ridges, at }: Drawn, width: number) {
  const { rows, domain, most } = ridges;
  const floor = HEIGHT - BOTTOM;
  const cellWidth = (width - LEFT) / rows.length;
  const cellHeight = (floor - TOP) / RIDGE_BINS;
  const [red, green, blue] = css("--heat").split(" ");
  context.fillStyle = css("--hover");
  context.fillRect(LEFT, TOP, width - LEFT, floor - TOP);
  rows.forEach((row, i) => {
    row.shares.forEach((share, bin) => {
      if (share <= 0) return;
      // A square root keeps thin tails visible.
      context.fillStyle = `rgb(${red} ${green} ${blue} / ${Math.max(0.06, Math.sqrt(share / most))})`;
      context.fillRect(
        LEFT + i * cellWidth,
        floor - (bin + 1) * cellHeight,
        cellWidth + 0.3,
        cellHeight + 0.3,
      );
    });
  });
  context.strokeStyle = css("--text");
  context.lineWidth = 1.5;
  context.strokeRect(LEFT + at * cellWidth, TOP, Math.max(2, cellWidth), floor - TOP);
  context.fillStyle = css("--muted");
  context.font = `11px ${css("--font")}`;
  context.textAlign = "right";
  const y = linear(domain, [floor, TOP]);
  for (const value of ticks(domain, 5)) context.fillText(formatNumber(value, 3), LEFT - 6, y(value) + 4);
  context.textAlign = "center";
  for (const i of evenly([...rows.keys()], Math.max(2, Math.floor((width - LEFT) / 90)))) {
    const x = LEFT + (i + 0.5) * cellWidth;
    context.fillText(
      formatCount(rows[i]?.step ?? 0),
      Math.min(width - 14, Math.max(LEFT + 6, x)),
      HEIGHT - 8,
    );
  }
}

function HeatMap(props: { ridges: Ridges; name: string; at: number; onStep: (step: number) => void }) {
  const { ridges, name, at, onStep } = props;
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const canvas = useCanvas(
    { width, height: HEIGHT },
    useCallback((context, size) => drawHeat(context, { ridges, at }, size.width), [ridges, at]),
  );
  const press = (event: PointerEvent<HTMLElement>) => {
    if (event.buttons !== 1) return;
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - LEFT;
    const index = Math.floor((x / (width - LEFT)) * ridges.rows.length);
    const row = ridges.rows[Math.min(ridges.rows.length - 1, Math.max(0, index))];
    if (row) onStep(row.step);
  };
  const [low, high] = ridges.domain;
  return (
    <div ref={host} className="heat-steps" onPointerDown={press} onPointerMove={press}>
      <canvas
        ref={canvas}
        style={{ width, height: HEIGHT }}
        role="img"
        aria-label={`${name} over ${plural(ridges.rows.length, "step")}, values from ${formatNumber(low)} to ${formatNumber(high)}; darker is more`}
      />
    </div>
  );
}

/** Steps behind each other, the newest in front. */
function RidgeChart({ ridges, name, step }: { ridges: Ridges; name: string; step: number }) {
  const rows = evenly(ridges.rows, RIDGES_MAX);
  const floor = CHART.height - CHART.bottom;
  const gap = (floor - CHART.top) / (rows.length + RIDGE_REACH);
  const height = gap * RIDGE_REACH;
  const binWidth = (ridges.domain[1] - ridges.domain[0]) / RIDGE_BINS;
  return (
    <>
      <ChartFrame
        label={`${name} step by step`}
        x={ridges.domain}
        y={[0, 0]}
        xLabel={name}
        yLabel="step"
        bare
      >
        {(scales) =>
          rows.map((row, i) => {
            const base = CHART.top + height + (i + 1) * gap;
            const points = row.shares.map((share, bin) => {
              const x = scales.x(ridges.domain[0] + (bin + 0.5) * binWidth);
              return `${x.toFixed(1)} ${(base - (share / ridges.most) * height).toFixed(1)}`;
            });
            const [left, right] = [scales.x(ridges.domain[0]), scales.x(ridges.domain[1])];
            return (
              <g key={row.step}>
                <path
                  className={`ridge ${row.step === step ? "current" : ""}`}
                  d={`M${left} ${base}L${points.join("L")}L${right} ${base}Z`}
                />
                <text x={CHART.left - 7} y={base + 3} textAnchor="end">
                  {i % Math.ceil(rows.length / 12) === 0 ? formatCount(row.step) : ""}
                </text>
              </g>
            );
          })
        }
      </ChartFrame>
      {rows.length < ridges.rows.length && (
        <p className="muted small">
          {rows.length} of {formatCount(ridges.rows.length)} steps, evenly chosen
        </p>
      )}
    </>
  );
}

/** Counts between edges; all steps share one axis, so that a drift is seen. */
export function Histogram({ gallery, item }: { gallery: Gallery; item: MediaItem }) {
  const list = bars(item);
  const domain = edgeRange(gallery);
  if (!domain || list.length === 0) {
    return (
      <p className="muted">
        No finite values{item.nonFinite > 0 && `, ${formatCount(item.nonFinite)} others`}.
      </p>
    );
  }
  const most = list.reduce((max, bar) => Math.max(max, bar.count), 0);
  return (
    <>
      <ChartFrame
        label={`Histogram ${gallery.name}, step ${item.step}`}
        x={domain}
        y={[0, most * 1.05]}
        xLabel={gallery.name}
        yLabel="count"
      >
        {(scales) =>
          list.map(({ from, to, count }) => (
            <rect
              key={from}
              className="bar"
              x={scales.x(from)}
              width={Math.max(0.5, scales.x(to) - scales.x(from) - 0.5)}
              y={scales.y(count)}
              height={scales.y(0) - scales.y(count)}
            >
              <title>{`${formatCount(count)} from ${formatNumber(from)} to ${formatNumber(to)}`}</title>
            </rect>
          ))
        }
      </ChartFrame>
      <StepText item={item} />
    </>
  );
}
