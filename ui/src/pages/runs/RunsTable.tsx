/** The runs table: only rows and columns on screen exist, wherever in 100,000 rows the reader is. */

import { type CSSProperties, type ReactNode, useEffect, useMemo, useRef } from "react";
import type { RunFound, RunGroup } from "~/api/types";
import { useSettings } from "~/components/settings";
import { groupKey } from "~/model/charted";
import type { Members } from "~/model/lines";
import { lineOf, spaceOf } from "~/model/lines";
import type { OrderKey } from "~/model/order";
import {
  columnWindow,
  edgesOf,
  GROUP_NAME_WIDTH,
  NAME_COLUMN,
  NAME_WIDTH,
  type PlacedColumn,
  type Widths,
} from "~/model/placing";
import { blockOffsets, lineCount, lineWindow, RUN_HEIGHTS } from "~/model/rows";
import type { RunAnswer, RunLine, Selection, Sight } from "./lines";
import { type ColumnActions, TableHead } from "./TableHead";
import { TableRow } from "./TableRow";
import type { Need } from "./useBlocks";
import type { Curves } from "./useCurves";
import { useNeed } from "./useNeed";
import { useViewport } from "./useViewport";

const OVERSCAN = 6;
/** Pixels of columns kept ready at both sides. */
const MARGIN = 240;
const CHECK_WIDTH = 40;

export interface TableProps {
  answer: RunAnswer;
  open: ReadonlySet<string>;
  members: ReadonlyMap<string, Members<RunFound>>;
  columns: readonly PlacedColumn[];
  widths: Widths;
  /** Which piece each column is fetched in. */
  pieceOf: ReadonlyMap<string, number>;
  need: (need: Need) => void;
  order: readonly OrderKey[];
  actions: ColumnActions;
  selection: Selection;
  /** Picks the rows between this line and the one picked before. */
  pickTo: (line: RunLine, on: boolean) => void;
  all: ReactNode;
  sight: Sight | undefined;
  curves: Curves;
  /** Tells which rows are on screen. */
  onRows: (first: number, end: number) => void;
  hovered: string | undefined;
  onHover: (run: string | undefined) => void;
  fold: (group: RunGroup) => void;
  now: number;
  /** Another answer is on its way. */
  stale: boolean;
}

/** The columns that exist: pinned ones, and those on screen with what stands before and after. */
export interface Shown {
  pinned: readonly PlacedColumn[];
  before: number;
  columns: readonly PlacedColumn[];
  after: number;
  /** Left edges of the pinned columns. */
  lefts: readonly number[];
  nameWidth: number;
}

function useShownColumns(props: TableProps, left: number, width: number): Shown {
  const { columns, widths } = props;
  const { grouped } = props.answer;
  const placed = useMemo(() => {
    const pinned = columns.filter((column) => column.pinned);
    const others = columns.filter((column) => !column.pinned);
    const nameWidth = widths.get(NAME_COLUMN) ?? (grouped ? GROUP_NAME_WIDTH : NAME_WIDTH);
    const lefts = edgesOf(pinned).map((edge) => edge + CHECK_WIDTH + nameWidth);
    return { pinned, others, lefts, nameWidth, edges: edgesOf(others) };
  }, [columns, widths, grouped]);
  const { edges, others, pinned, lefts, nameWidth } = placed;
  const fixed = lefts[lefts.length - 1] ?? 0;
  const { first, end } = columnWindow(edges, left, Math.max(0, width - fixed), MARGIN);
  return useMemo(
    () => ({
      pinned,
      lefts,
      nameWidth,
      before: edges[first] ?? 0,
      columns: others.slice(first, end),
      after: (edges[edges.length - 1] ?? 0) - (edges[end] ?? 0),
    }),
    [pinned, lefts, nameWidth, edges, others, first, end],
  );
}

function useLines(props: TableProps, top: number, height: number) {
  const { answer, open, members } = props;
  const rowHeight = RUN_HEIGHTS[useSettings().density] ?? 0;
  const space = useMemo(() => spaceOf(answer, open, members, rowHeight), [answer, open, members, rowHeight]);
  const window = lineWindow(space, top, height, OVERSCAN);
  const lines = useMemo(
    () =>
      Array.from({ length: window.end - window.first }, (_, i) =>
        lineOf(answer, space, open, members, window.first + i),
      ),
    [answer, space, open, members, window.first, window.end],
  );
  return { space, window, lines };
}

export function RunsTable(props: TableProps) {
  const { answer, columns, selection, sight, curves, hovered, stale } = props;
  const scroller = useRef<HTMLElement>(null);
  const [viewport, onScroll] = useViewport(scroller);
  const shown = useShownColumns(props, viewport.left, viewport.width);
  const { space, window, lines } = useLines(props, viewport.top, viewport.height);
  const ids = useMemo(() => columns.map((column) => column.id), [columns]);
  const onScreen = [...shown.pinned, ...shown.columns].map((column) => props.pieceOf.get(column.id) ?? 0);
  useNeed(
    {
      offsets: blockOffsets(space, window),
      pieces: [...new Set([0, ...onScreen])].sort((a, b) => a - b),
    },
    props.need,
  );
  const { onRows } = props;
  useEffect(() => onRows(window.first, window.end), [onRows, window.first, window.end]);
  const total = CHECK_WIDTH + shown.nameWidth + (edgesOf(columns)[columns.length] ?? 0);
  return (
    <section
      className={`runs-scroll ${stale ? "stale" : ""}`}
      ref={scroller}
      onScroll={onScroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      aria-label="Runs"
      aria-busy={stale}
    >
      <table
        className="runs-table"
        style={{ width: total, minWidth: "100%" }}
        aria-rowcount={lineCount(space) + 1}
        aria-colcount={columns.length + 2}
      >
        <Columns shown={shown} />
        <thead>
          <TableHead {...props} shown={shown} grouped={answer.grouped} />
        </thead>
        <tbody onPointerLeave={() => props.onHover(undefined)}>
          <Spacer height={window.before} />
          {lines.map((line, i) => (
            <TableRow
              key={line.key}
              line={line}
              at={window.first + i}
              shown={shown}
              ids={ids}
              picked={line.kind === "run" && selection.ids.has(line.run.id)}
              selection={selection}
              pickTo={props.pickTo}
              hot={line.kind === "run" && line.run.id === hovered}
              onHover={props.onHover}
              eye={eyeOf(line, sight)}
              sight={sight}
              curves={curves}
              fold={props.fold}
              now={props.now}
            />
          ))}
          <Spacer height={window.after} />
        </tbody>
      </table>
    </section>
  );
}

/** What the charts call a line: a run's id, or a name made of what a group has in common. */
function eyeOf(line: RunLine, sight: Sight | undefined): boolean | undefined {
  if (!sight) return undefined;
  if (line.kind === "run" && !line.nested) return sight.isOpen(line.run.id, line.at);
  if (line.kind === "group") return sight.isOpen(groupKey(line.group), line.at);
  return undefined;
}

function Columns({ shown }: { shown: Shown }) {
  const col = (key: string, style: CSSProperties) => <col key={key} style={style} />;
  return (
    <colgroup>
      {col("check", { width: CHECK_WIDTH })}
      {col("name", { width: shown.nameWidth })}
      {shown.pinned.map((column) => col(column.id, { width: column.width }))}
      {shown.before > 0 && col("before", { width: shown.before })}
      {shown.columns.map((column) => col(column.id, { width: column.width }))}
      {shown.after > 0 && col("after", { width: shown.after })}
      <col key="rest" />
    </colgroup>
  );
}

function Spacer({ height }: { height: number }) {
  if (height === 0) return null;
  return (
    <tr className="spacer">
      <td style={{ height }} />
    </tr>
  );
}
