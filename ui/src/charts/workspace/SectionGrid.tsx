/** One section of a workspace: its head, and a page of its panels in a grid. */

import { type DragEvent, memo, useState } from "react";
import { Icon } from "~/components/Icon";
import type { Branch } from "~/model/attempts";
import { formatCount } from "~/model/format";
import { type DrawnSettings, PANEL, type Panel, type Section } from "~/model/workspace";
import { ChartPanel, type PanelFacts, panelTitle } from "../ChartPanel";
import type { HoverLink } from "../hover";
import type { ChartGroup, ChartRun } from "../runs";
import { MoveHandle, ResizeHandle } from "./PanelHandles";
import type { Arranging } from "./useArranging";

/** Panels of a section on one page: thousands of metrics never stand in the page at once. */
const PANELS_PER_PAGE = 24;

export interface Shared {
  runs: readonly ChartRun[];
  groups: readonly ChartGroup[] | undefined;
  settings: DrawnSettings;
  syncKey: string;
  hover: HoverLink;
  branches: readonly Branch[] | undefined;
  facts: ReadonlyMap<string, PanelFacts>;
}

export interface Columns {
  count: number;
  /** Pixels from one column to the next. */
  pitch: number;
}

interface Props {
  section: Section;
  folded: boolean;
  columns: Columns;
  shared: Shared;
  arranging: Arranging;
}

function Pager(props: { page: number; pages: number; total: number; onPage: (page: number) => void }) {
  const { page, pages, total, onPage } = props;
  const from = page * PANELS_PER_PAGE;
  return (
    <nav className="pager" aria-label="Charts of this section">
      <button
        type="button"
        className="icon-button flip"
        aria-label="Earlier charts"
        disabled={page === 0}
        onClick={() => onPage(page - 1)}
      >
        <Icon name="chevron" size={13} />
      </button>
      <span className="muted small">
        {formatCount(from + 1)}–{formatCount(Math.min(total, from + PANELS_PER_PAGE))} of {formatCount(total)}
      </span>
      <button
        type="button"
        className="icon-button"
        aria-label="Later charts"
        disabled={page >= pages - 1}
        onClick={() => onPage(page + 1)}
      >
        <Icon name="chevron" size={13} />
      </button>
    </nav>
  );
}

export const SectionGrid = memo(function SectionGrid(props: Props) {
  const { section, folded, columns, arranging } = props;
  const [asked, setPage] = useState(0);
  const [dragged, setDragged] = useState<string>();
  const pages = Math.ceil(section.panels.length / PANELS_PER_PAGE);
  const page = Math.min(asked, pages - 1);
  const first = page * PANELS_PER_PAGE;
  const shown = section.panels.slice(first, first + PANELS_PER_PAGE);
  return (
    <section className="chart-section" aria-label={section.name}>
      <div className="section-head">
        <h2>
          <button
            type="button"
            className="section-fold"
            aria-expanded={!folded}
            onClick={() => arranging.fold(section.name, !folded)}
          >
            <Icon name="chevron" size={13} /> {section.name}
          </button>
        </h2>
        <span className="faint small">{formatCount(section.panels.length)}</span>
        <span className="grow" />
        {!folded && pages > 1 && (
          <Pager page={page} pages={pages} total={section.panels.length} onPage={setPage} />
        )}
      </div>
      {!folded && (
        <div
          className="chart-grid"
          style={{ gridTemplateColumns: `repeat(${columns.count}, minmax(0, 1fr))` }}
        >
          {shown.map((panel, i) => (
            <Cell
              key={panel.id}
              {...props}
              panel={panel}
              place={first + i}
              dragged={dragged}
              onDrag={setDragged}
            />
          ))}
        </div>
      )}
    </section>
  );
});

type CellProps = Props & {
  panel: Panel;
  place: number;
  /** The panel under a drag, if it is of this section. */
  dragged: string | undefined;
  onDrag: (id: string | undefined) => void;
};

function Cell({ panel, place, section, columns, shared, arranging, dragged, onDrag }: CellProps) {
  const { facts, ...common } = shared;
  const [over, setOver] = useState(false);
  const layout = arranging.layout.panels[panel.id] ?? PANEL;
  const known = panel.kind === "metric" ? facts.get(panel.text) : undefined;
  const title = panelTitle(panel, known);
  const accepts = dragged !== undefined && dragged !== panel.id;
  const onDrop = (event: DragEvent) => {
    setOver(false);
    const moved = section.panels.find((one) => one.id === dragged);
    if (!moved) return;
    event.preventDefault();
    arranging.move(section, moved, place);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a place to drop on; the move handle does the same by keys
    <div
      className={`chart-cell${over && accepts ? " drop" : ""}${dragged === panel.id ? " dragged" : ""}`}
      style={{ gridColumn: `span ${Math.min(layout.width, columns.count)}` }}
      onDragOver={(event) => {
        if (!accepts) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <ChartPanel {...common} panel={panel} facts={known} layout={layout} actions={arranging.actions} />
      <MoveHandle
        panel={panel}
        title={title}
        place={place}
        onMove={(next) => arranging.move(section, panel, next)}
        onDrag={(on) => onDrag(on ? panel.id : undefined)}
      />
      <ResizeHandle
        title={title}
        layout={layout}
        column={columns.pitch}
        onResize={(next) => arranging.actions.resize(panel, next)}
      />
    </div>
  );
}
