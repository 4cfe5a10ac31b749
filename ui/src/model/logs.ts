/**
 * A window onto a log stream: contiguous bytes anywhere in it, grown at either end, bounded in memory. Lines are
 * known by the offset of their first byte, and their text is decoded only when they are shown.
 */

/** Bytes kept; the far end is dropped beyond. */
export const WINDOW_BYTES_MAX = 4 * 1024 * 1024;

/** Where the mapping of positions in `bytes` to offsets of the stream begins anew. */
interface Anchor {
  at: number;
  offset: number;
}

interface Part {
  /** Offset of the first byte. */
  start: number;
  /** One past the last byte. */
  end: number;
  bytes: Uint8Array;
  /** At least one, the first at 0; more where a marker stands for output that is not kept. */
  anchors: readonly Anchor[];
}

export interface LogWindow extends Part {
  /** Size of the stream on the hub when last asked. */
  size: number;
  /** Lines before this window; undefined where they were never counted. */
  linesBefore: number | undefined;
}

export interface LogPiece {
  offset: number;
  /** Where the next piece begins; further on when a marker stands for output that is not kept. */
  next?: number;
  size: number;
  bytes: Uint8Array;
}

const MARKER = /^\n\[mlhub: (\d+) bytes of output are not kept\]\n/;
const MARKER_LENGTH_MAX = 80;
const NEWLINE = 10;

/** A piece with its place; a marker takes the place of all that it stands for. */
function toPart(piece: LogPiece): Part {
  const { offset, bytes } = piece;
  const end = piece.next ?? offset + bytes.length;
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, MARKER_LENGTH_MAX));
  const marker = end - offset === bytes.length ? null : MARKER.exec(head);
  if (!marker) return { start: offset, end, bytes, anchors: [{ at: 0, offset }] };
  const length = marker[0].length;
  const gapEnd = end - (bytes.length - length);
  return {
    start: Math.max(0, gapEnd - Number(marker[1])),
    end,
    bytes,
    anchors: [{ at: 0, offset: gapEnd - length }],
  };
}

/** The offset in the stream of a position in the window. */
export function offsetAt(part: Pick<Part, "anchors">, position: number): number {
  const anchor = part.anchors.findLast((one) => one.at <= position);
  return anchor ? anchor.offset + (position - anchor.at) : position;
}

/** The position in the window of an offset of the stream. */
function positionOf(part: Part, offset: number): number {
  const anchor = part.anchors.findLast((one) => one.offset <= offset);
  return anchor ? Math.min(part.bytes.length, anchor.at + (offset - anchor.offset)) : 0;
}

function cutFront(part: Part, position: number): Part {
  if (position <= 0) return part;
  const start = offsetAt(part, position);
  const later = part.anchors.filter((one) => one.at > position);
  const anchors = [{ at: 0, offset: start }, ...later.map((one) => ({ ...one, at: one.at - position }))];
  return { start, end: part.end, bytes: part.bytes.subarray(position), anchors };
}

function cutEnd(part: Part, position: number): Part {
  if (position >= part.bytes.length) return part;
  const anchors = part.anchors.filter((one) => one.at === 0 || one.at < position);
  return { start: part.start, end: offsetAt(part, position), bytes: part.bytes.slice(0, position), anchors };
}

function join(a: Part, b: Part): Part {
  const bytes = new Uint8Array(a.bytes.length + b.bytes.length);
  bytes.set(a.bytes);
  bytes.set(b.bytes, a.bytes.length);
  const shifted = b.anchors.map((one) => ({ ...one, at: one.at + a.bytes.length }));
  const [first, ...rest] = shifted;
  const straight = first !== undefined && offsetAt(a, a.bytes.length) === first.offset;
  return { start: a.start, end: b.end, bytes, anchors: [...a.anchors, ...(straight ? rest : shifted)] };
}

function newlines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

export function openWindow(piece: LogPiece): LogWindow {
  const part = toPart(piece);
  return { ...part, size: piece.size, linesBefore: part.start === 0 ? 0 : undefined };
}

/** Adds newer bytes; a piece that does not continue the window is ignored. */
export function append(window: LogWindow, piece: LogPiece): LogWindow {
  const size = Math.max(window.size, piece.size);
  const part = toPart(piece);
  if (part.start > window.end || part.end <= window.end) return { ...window, size };
  const fresh = part.start < window.end ? cutFront(part, positionOf(part, window.end)) : part;
  const all = join(window, fresh);
  const drop = all.bytes.length - WINDOW_BYTES_MAX;
  if (drop <= 0) return { ...all, size, linesBefore: window.linesBefore };
  const counted = window.linesBefore;
  const linesBefore = counted === undefined ? undefined : counted + newlines(all.bytes.subarray(0, drop));
  const kept = cutFront(all, drop);
  return { ...kept, bytes: kept.bytes.slice(), size, linesBefore };
}

/** Adds older bytes that end where the window starts; the newest are dropped when there are too many. */
export function prepend(window: LogWindow, piece: LogPiece): LogWindow {
  const part = toPart(piece);
  if (part.start >= window.start || part.end < window.start) return window;
  const older = part.end > window.start ? cutEnd(part, positionOf(part, window.start)) : part;
  const all = join({ ...older, end: window.start }, window);
  const counted = window.linesBefore;
  const before = counted === undefined ? undefined : Math.max(0, counted - newlines(older.bytes));
  const linesBefore = all.start === 0 ? 0 : before;
  return { ...cutEnd(all, WINDOW_BYTES_MAX), size: window.size, linesBefore };
}

/** Positions of the first bytes of lines; a line that was cut at the window's start is left out. */
export function lineStarts(window: LogWindow): number[] {
  const { bytes } = window;
  const starts: number[] = [];
  let at = 0;
  if (window.start > 0) {
    const first = bytes.indexOf(NEWLINE);
    // A window within one endless line shows what it has of it.
    at = first >= 0 ? first + 1 : 0;
  }
  while (at < bytes.length) {
    starts.push(at);
    const next = bytes.indexOf(NEWLINE, at);
    if (next < 0) break;
    at = next + 1;
  }
  return starts;
}

/** The text of a line, without its end. */
export function lineText(window: LogWindow, starts: readonly number[], index: number): string {
  const from = starts[index];
  if (from === undefined) return "";
  const next = starts[index + 1] ?? window.bytes.length;
  const to = window.bytes[next - 1] === NEWLINE ? next - 1 : next;
  return new TextDecoder("utf-8").decode(window.bytes.subarray(from, to));
}

/** All lines of a window, for small ones. */
export function windowLines(window: LogWindow): string[] {
  const starts = lineStarts(window);
  return starts.map((_, index) => lineText(window, starts, index));
}

/** The number of a line from 1, where lines were counted. */
export function lineNumber(window: LogWindow, index: number): number | undefined {
  if (window.linesBefore === undefined) return undefined;
  return window.linesBefore + index + (window.start > 0 ? 2 : 1);
}

/** The line that holds an offset: the last that starts at or before it; -1 before the first. */
export function lineAt(window: LogWindow, starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsetAt(window, starts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Where the lines of a text stand in a window, each as near to the end as its order allows. */
export function placesOf(window: LogWindow, wanted: readonly string[]): (number | undefined)[] {
  const starts = lineStarts(window);
  const places: (number | undefined)[] = wanted.map(() => undefined);
  let below = starts.length - 1;
  for (let i = wanted.length - 1; i >= 0; i -= 1) {
    const text = wanted[i]?.trim();
    if (!text) continue;
    for (let at = below; at >= 0; at -= 1) {
      if (lineText(window, starts, at).trim() !== text) continue;
      places[i] = offsetAt(window, starts[at] ?? 0);
      below = at - 1;
      break;
    }
  }
  return places;
}
