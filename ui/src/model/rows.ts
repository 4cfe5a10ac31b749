/**
 * Where the lines of the runs table stand, by arithmetic alone: rows have one height, and under an
 * unfolded group stand its runs. So any place of 100,000 rows is found without measuring the others.
 */

/** Heights of lines in CSS pixels, as the style sheet draws them for each density. */
export const RUN_HEIGHTS: Record<string, number> = { compact: 34, comfortable: 42 };
export const GROUP_HEIGHT = 46;
/** Rows fetched at once. */
export const BLOCK_ROWS = 100;

/** The lines under one unfolded group. */
export interface Unfolded {
  /** The group's place in the ordered answer. */
  at: number;
  lines: number;
}

export interface RowSpace {
  /** Runs, or groups, of the whole answer. */
  total: number;
  /** Height of each of them. */
  height: number;
  /** Height of a line under a group. */
  nested: number;
  /** By place, ascending. */
  unfolded: readonly Unfolded[];
}

/** A line: a row of the answer (`member` -1), or one of the lines under it. */
export interface Place {
  at: number;
  member: number;
}

export interface LineWindow {
  first: number;
  /** One past the last line. */
  end: number;
  /** Pixels above and below the window. */
  before: number;
  after: number;
}

export function lineCount(space: RowSpace): number {
  return space.unfolded.reduce((sum, one) => sum + one.lines, space.total);
}

export function locate(space: RowSpace, line: number): Place {
  let extra = 0;
  for (const { at, lines } of space.unfolded) {
    const head = at + extra;
    if (line <= head) break;
    if (line <= head + lines) return { at, member: line - head - 1 };
    extra += lines;
  }
  return { at: line - extra, member: -1 };
}

/** The distance of a line's top from the first line's. */
export function topOf(space: RowSpace, line: number): number {
  const { at, member } = locate(space, line);
  const above = space.unfolded.reduce((sum, one) => (one.at < at ? sum + one.lines : sum), 0);
  const inside = member >= 0 ? space.height + member * space.nested : 0;
  return at * space.height + above * space.nested + inside;
}

/** The line at a distance from the top. */
export function lineAt(space: RowSpace, y: number): number {
  let top = 0;
  let line = 0;
  let row = 0;
  const { nested } = space;
  for (const { at, lines } of space.unfolded) {
    const headEnd = top + (at + 1 - row) * space.height;
    if (y < headEnd) break;
    line += at + 1 - row;
    if (y < headEnd + lines * nested) return line + Math.floor((y - headEnd) / nested);
    line += lines;
    row = at + 1;
    top = headEnd + lines * nested;
  }
  return line + Math.max(0, Math.floor((y - top) / space.height));
}

/** The lines on screen, with some above and below. */
export function lineWindow(space: RowSpace, top: number, height: number, overscan: number): LineWindow {
  const count = lineCount(space);
  const first = Math.min(Math.max(0, lineAt(space, top) - overscan), count);
  const end = Math.min(count, lineAt(space, top + height) + 1 + overscan);
  const whole = count === 0 ? 0 : topOf(space, count - 1) + lineHeight(space, count - 1);
  const before = topOf(space, first);
  return { first, end, before, after: Math.max(0, whole - (end === count ? whole : topOf(space, end))) };
}

function lineHeight(space: RowSpace, line: number): number {
  return locate(space, line).member < 0 ? space.height : space.nested;
}

/** Offsets of the blocks that hold the rows of a window. */
export function blockOffsets(space: RowSpace, window: Pick<LineWindow, "first" | "end">): number[] {
  if (window.end <= window.first) return [0];
  const first = Math.floor(locate(space, window.first).at / BLOCK_ROWS);
  const last = Math.floor(locate(space, window.end - 1).at / BLOCK_ROWS);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * BLOCK_ROWS);
}

/** The first `count` blocks of an answer. */
export function leadingOffsets(rows: number): number[] {
  return Array.from({ length: Math.ceil(rows / BLOCK_ROWS) }, (_, i) => i * BLOCK_ROWS);
}
