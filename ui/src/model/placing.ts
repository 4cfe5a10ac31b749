/** Where the columns of the runs table stand: pinned ones first, chosen widths, and which are on screen. */

import type { TableColumn } from "./columns";
import { joinList, splitList } from "./language";

/** The column of names, which is always there and always first. */
export const NAME_COLUMN = "run";
export const NAME_WIDTH = 236;
/** What stands in its place when runs are grouped is shorter. */
export const GROUP_NAME_WIDTH = 168;
export const WIDTH_MIN = 56;
export const WIDTH_MAX = 640;
/** Pixels a column grows by at one press of a key. */
export const WIDTH_STEP = 16;
/** Columns whose values are fetched together. */
export const COLUMNS_TOGETHER = 50;

export type Widths = ReadonlyMap<string, number>;

export interface PlacedColumn extends TableColumn {
  pinned: boolean;
  /** Counted from 0 over the columns after the name. */
  at: number;
}

export function clampWidth(width: number): number {
  return Math.round(Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, width)));
}

/** Widths as they stand in the address: `metrics.loss:180,params.lr:90`. */
export function readWidths(text: string | undefined): Map<string, number> {
  const widths = new Map<string, number>();
  for (const part of splitList(text ?? "")) {
    const colon = part.lastIndexOf(":");
    const width = Number(part.slice(colon + 1));
    if (colon > 0 && Number.isFinite(width) && width > 0) widths.set(part.slice(0, colon), clampWidth(width));
  }
  return widths;
}

export function writeWidths(widths: Widths): string | undefined {
  const parts = [...widths].map(([id, width]) => `${id}:${width}`);
  return parts.length > 0 ? joinList(parts) : undefined;
}

/** Columns as they stand in the table: pinned ones first, each with its width. */
export function placeColumns(
  columns: readonly TableColumn[],
  pins: readonly string[],
  widths: Widths,
): PlacedColumn[] {
  const pinned = columns.filter((column) => pins.includes(column.id));
  const others = columns.filter((column) => !pins.includes(column.id));
  return [...pinned, ...others].map((column, at) => ({
    ...column,
    width: widths.get(column.id) ?? column.width,
    pinned: at < pinned.length,
    at,
  }));
}

/** Left edges of the columns, and the end of the last. */
export function edgesOf(columns: readonly { width: number }[]): number[] {
  const edges = [0];
  for (const column of columns) edges.push((edges[edges.length - 1] ?? 0) + column.width);
  return edges;
}

/** The first column whose end is past a place, by halving. */
function columnAt(edges: readonly number[], x: number): number {
  let low = 0;
  let high = edges.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle + 1] ?? Number.POSITIVE_INFINITY) > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface ColumnWindow {
  first: number;
  /** One past the last. */
  end: number;
}

/** The columns between two places, with some pixels more on both sides. */
export function columnWindow(
  edges: readonly number[],
  left: number,
  width: number,
  margin: number,
): ColumnWindow {
  const count = edges.length - 1;
  const first = Math.min(columnAt(edges, Math.max(0, left - margin)), count);
  return { first, end: Math.min(count, columnAt(edges, left + width + margin) + 1) };
}

/** Column ids in the pieces they are fetched in. Pieces do not depend on what is on screen. */
export function columnPieces(ids: readonly string[]): string[][] {
  const pieces: string[][] = [];
  for (let at = 0; at < ids.length; at += COLUMNS_TOGETHER) pieces.push(ids.slice(at, at + COLUMNS_TOGETHER));
  return pieces.length > 0 ? pieces : [[]];
}

/** The pieces that hold the columns on screen; pinned columns always are. */
export function piecesNeeded(pinned: number, window: ColumnWindow): number[] {
  const needed = new Set<number>([0]);
  const add = (first: number, end: number) => {
    for (let at = first; at < end; at += 1) needed.add(Math.floor(at / COLUMNS_TOGETHER));
  };
  add(0, pinned);
  add(window.first, window.end);
  return [...needed].sort((a, b) => a - b);
}

/** The order with one column moved to another's place. */
export function moved(ids: readonly string[], id: string, to: number): string[] {
  const rest = ids.filter((one) => one !== id);
  const at = Math.max(0, Math.min(rest.length, to));
  return ids.includes(id) ? [...rest.slice(0, at), id, ...rest.slice(at)] : [...ids];
}

/** A list in the address with one operand switched. */
export function switched(list: string | undefined, id: string): string | undefined {
  const ids = splitList(list ?? "");
  const next = ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id];
  return next.length > 0 ? joinList(next) : undefined;
}
