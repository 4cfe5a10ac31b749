/** What a run logged besides numbers, read from its records and sorted by name and step. */

import { asArray, asNumber, asObject, asText } from "./json";

export type MediaKind = "image" | "video" | "audio" | "table" | "text" | "histogram" | "figure" | "file";

export interface MediaItem {
  kind: MediaKind;
  name: string;
  step: number;
  attempt: number;
  caption: string | undefined;
  /** The artifact it is in; texts and histograms may be in their record. */
  path: string | undefined;
  text: string | undefined;
  counts: number[];
  edges: number[];
  nonFinite: number;
}

/** All items of one name and kind. */
export interface Gallery {
  key: string;
  kind: MediaKind;
  name: string;
  steps: number[];
  items: ReadonlyMap<number, MediaItem[]>;
}

/** A record as the API sends it. */
export interface MediaRecord {
  kind: string;
  attempt: number;
  body: unknown;
}

const KINDS: readonly MediaKind[] = ["image", "figure", "video", "audio", "table", "text"];
/** Those that need the whole width stand below the others. */
const ORDER: readonly MediaKind[] = [
  "image",
  "figure",
  "video",
  "audio",
  "histogram",
  "file",
  "table",
  "text",
];

function kindOf(record: MediaRecord, type: string | undefined): MediaKind | undefined {
  if (record.kind === "histogram" || record.kind === "text") return record.kind;
  if (record.kind !== "media") return undefined;
  return KINDS.find((kind) => kind === type) ?? "file";
}

function floats(value: unknown): number[] {
  return asArray(value).flatMap((one) => asNumber(one) ?? []);
}

/** Reads a record; undefined when it is no medium. */
export function readMedia(record: MediaRecord): MediaItem | undefined {
  const body = asObject(record.body);
  const kind = kindOf(record, asText(body.type));
  const name = asText(body.name);
  if (!kind || name === undefined) return undefined;
  const path = asText(body.path);
  const text = record.kind === "text" ? asText(body.text) : undefined;
  if (kind !== "histogram" && path === undefined && text === undefined) return undefined;
  return {
    kind,
    name,
    step: asNumber(body.step) ?? 0,
    attempt: record.attempt,
    caption: asText(body.caption),
    path,
    text,
    counts: floats(body.counts),
    edges: floats(body.edges),
    nonFinite: asNumber(body.non_finite) ?? 0,
  };
}

/** Galleries by kind and name; of one step only what its newest attempt logged. */
export function galleries(records: readonly MediaRecord[]): Gallery[] {
  const found = new Map<string, { kind: MediaKind; name: string; items: Map<number, MediaItem[]> }>();
  for (const record of records) {
    const item = readMedia(record);
    if (!item) continue;
    const key = `${item.kind}:${item.name}`;
    const gallery = found.get(key) ?? {
      kind: item.kind,
      name: item.name,
      items: new Map<number, MediaItem[]>(),
    };
    found.set(key, gallery);
    const there = gallery.items.get(item.step) ?? [];
    const newest = Math.max(item.attempt, ...there.map((one) => one.attempt));
    gallery.items.set(
      item.step,
      [...there, item].filter((one) => one.attempt === newest),
    );
  }
  const rank = (kind: MediaKind) => ORDER.indexOf(kind);
  return [...found]
    .map(([key, gallery]) => ({ key, ...gallery, steps: [...gallery.items.keys()].sort((a, b) => a - b) }))
    .sort((a, b) => rank(a.kind) - rank(b.kind) || a.name.localeCompare(b.name));
}

/** The range of all histograms of a gallery, so that steps can be told apart by eye. */
export function edgeRange(gallery: Gallery): [number, number] | undefined {
  const edges = [...gallery.items.values()]
    .flat()
    .flatMap((item) => (item.counts.length > 0 ? item.edges : []));
  if (edges.length === 0) return undefined;
  const low = edges.reduce((a, b) => Math.min(a, b));
  const high = edges.reduce((a, b) => Math.max(a, b));
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

/** Bars between edges that have a count. */
export function bars(item: MediaItem): { from: number; to: number; count: number }[] {
  return item.counts.flatMap((count, i) => {
    const from = item.edges[i];
    const to = item.edges[i + 1];
    return from === undefined || to === undefined || !(count > 0) ? [] : [{ from, to, count }];
  });
}

export interface TableBody {
  columns: string[];
  rows: string[][];
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Reads the file of a logged table; undefined when it is none. */
export function readTable(text: string): TableBody | undefined {
  try {
    const body = asObject(JSON.parse(text) as unknown);
    if (!Array.isArray(body.columns) || !Array.isArray(body.data)) return undefined;
    const columns = body.columns.map(cellText);
    const rows = body.data.map((row) => asArray(row).map(cellText));
    return { columns, rows };
  } catch {
    return undefined;
  }
}
