/** Which artifacts can be shown, and how. Always by name: bytes are never run, and markup is text. */

import type { Json } from "./json";

const TEXTUAL =
  /\.(txt|md|log|json|jsonl|ndjson|csv|tsv|ya?ml|toml|ini|cfg|py|rs|sh|xml|html?|svg|css|js|ts|sql|patch|diff)$/i;

/** Raster images that browsers draw; SVG is a document with scripts and is shown as text only. */
const PICTURE = /\.(png|jpe?g|gif|webp|bmp|avif)$/i;
const TABLE = /\.(csv|tsv|jsonl|ndjson)$/i;
const TREE = /\.json$/i;

export type PreviewKind = "picture" | "table" | "tree" | "text" | "none";

export function pictorial(path: string): boolean {
  return PICTURE.test(path);
}

/** By name only: the bytes are never interpreted. */
export function textual(path: string): boolean {
  return TEXTUAL.test(path);
}

export function previewKind(path: string): PreviewKind {
  if (pictorial(path)) return "picture";
  if (TABLE.test(path)) return "table";
  if (TREE.test(path)) return "tree";
  return textual(path) ? "text" : "none";
}

/** Whole JSON is indented; everything else is shown as it is. */
export function previewText(path: string, text: string, cut: boolean): string {
  if (cut || !TREE.test(path)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export interface PreviewTable {
  columns: string[];
  rows: string[][];
}

/** Fields of delimited text, as RFC 4180 has it: quotes double within quotes, and hold ends of lines. */
function fields(text: string, separator: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (quoted) {
      if (char !== '"') field += char;
      else if (text[i + 1] === '"') {
        field += '"';
        i += 1;
      } else quoted = false;
    } else if (char === '"' && field === "") quoted = true;
    else if (char === separator) {
      row.push(field);
      field = "";
    } else if (char === "\n") {
      rows.push([...row, field.replace(/\r$/, "")]);
      row = [];
      field = "";
    } else field += char;
  }
  if (field !== "" || row.length > 0) rows.push([...row, field]);
  return rows;
}

function objectRows(text: string): PreviewTable | undefined {
  const columns = new Set<string>();
  const records: Record<string, unknown>[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
      records.push(value as Record<string, unknown>);
      for (const key of Object.keys(value)) columns.add(key);
    } catch {
      return undefined;
    }
  }
  const cell = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)) ?? "";
  const names = [...columns];
  return { columns: names, rows: records.map((one) => names.map((name) => cell(one[name]))) };
}

/** The rows of a table's text; of a text that was cut without its last, torn line. Undefined: it is none. */
export function previewTable(path: string, text: string, cut: boolean): PreviewTable | undefined {
  const whole = cut ? text.slice(0, text.lastIndexOf("\n") + 1) : text;
  if (/\.(jsonl|ndjson)$/i.test(path)) return objectRows(whole);
  const [columns, ...rows] = fields(whole, /\.tsv$/i.test(path) ? "\t" : ",");
  return columns && { columns, rows };
}

/** The value of a whole JSON text; undefined when it is cut or is not JSON. */
export function previewTree(text: string, cut: boolean): { value: Json } | undefined {
  if (cut) return undefined;
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return undefined;
  }
}
