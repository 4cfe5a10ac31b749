/** A window onto a log stream: contiguous bytes, grown at either end, bounded in memory. */

/** Bytes kept; the far end is dropped beyond. */
export const WINDOW_BYTES_MAX = 8 * 1024 * 1024;

export interface LogWindow {
  /** Offset of the first byte held. */
  start: number;
  /** One past the last byte held. */
  end: number;
  /** Size of the stream on the hub when last asked. */
  size: number;
  bytes: Uint8Array;
}

export interface LogPiece {
  offset: number;
  /** Where the next piece begins; further on when a marker stands for output that is not kept. */
  next?: number;
  size: number;
  bytes: Uint8Array;
}

export function openWindow(piece: LogPiece): LogWindow {
  return {
    start: piece.offset,
    end: piece.next ?? piece.offset + piece.bytes.length,
    size: piece.size,
    bytes: piece.bytes,
  };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Adds newer bytes; a piece that does not continue the window is ignored. */
export function append(window: LogWindow, piece: LogPiece): LogWindow {
  const skip = window.end - piece.offset;
  if (skip < 0 || skip > piece.bytes.length) return { ...window, size: Math.max(window.size, piece.size) };
  let bytes = concat(window.bytes, piece.bytes.subarray(skip));
  let start = window.start;
  if (bytes.length > WINDOW_BYTES_MAX) {
    const drop = bytes.length - WINDOW_BYTES_MAX;
    bytes = bytes.slice(drop);
    start += drop;
  }
  const end = piece.next ?? piece.offset + piece.bytes.length;
  return { start, end, size: Math.max(window.size, piece.size), bytes };
}

/** Adds older bytes that end where the window starts. */
export function prepend(window: LogWindow, piece: LogPiece): LogWindow {
  const until = window.start - piece.offset;
  if (until <= 0 || until > piece.bytes.length) return window;
  const room = WINDOW_BYTES_MAX - window.bytes.length;
  const older = piece.bytes.subarray(Math.max(0, until - room), until);
  const bytes = concat(older, window.bytes);
  return { ...window, start: window.start - older.length, bytes };
}

/** Lines of the window; a line cut at the window's start is left out. */
export function windowLines(window: LogWindow): string[] {
  const text = new TextDecoder("utf-8").decode(window.bytes);
  const lines = text.split("\n");
  if (window.start > 0 && lines.length > 1) lines.shift();
  if (lines[lines.length - 1] === "") lines.pop();
  return lines;
}
