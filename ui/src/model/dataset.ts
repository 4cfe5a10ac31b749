/** What the hub knows of a dataset's content and splits, read from its free-form JSON. */

import { asArray, asNumber, asNumbers, asObject, asText, type Json } from "./json";

/** Bins of equal width from `start` on; a width of 0 is a single value. */
export interface ColumnHistogram {
  start: number;
  width: number;
  counts: number[];
}

export interface Column {
  name: string;
  dtype: string;
  nulls: number;
  distinct: number | undefined;
  distinctCapped: boolean;
  nonFinite: number;
  min: number | undefined;
  max: number | undefined;
  mean: number | undefined;
  std: number | undefined;
  /** Undefined where it was not recorded: by older releases, of wide tables, of columns without numbers. */
  histogram: ColumnHistogram | undefined;
}

function readHistogram(value: unknown): ColumnHistogram | undefined {
  const body = asObject(value);
  const [start, width] = [asNumber(body.start), asNumber(body.width)];
  const counts = asNumbers(body.counts);
  if (start === undefined || width === undefined || counts.length === 0) return undefined;
  return { start, width, counts };
}

export function readColumns(inspection: unknown): Column[] {
  return asArray(asObject(inspection).columns).map((item) => {
    const column = asObject(item);
    const shape = asArray(column.shape);
    return {
      name: asText(column.name) ?? "",
      dtype: `${asText(column.dtype) ?? "unknown"}${shape.length > 0 ? `[${shape.join(", ")}]` : ""}`,
      nulls: asNumber(column.nulls) ?? 0,
      distinct: asNumber(column.distinct),
      distinctCapped: column.distinct_capped === true,
      nonFinite: asNumber(column.non_finite) ?? 0,
      min: asNumber(column.min),
      max: asNumber(column.max),
      mean: asNumber(column.mean),
      std: asNumber(column.std),
      histogram: readHistogram(column.histogram),
    };
  });
}

export interface DataFile {
  path: string;
  sizeBytes: number | undefined;
  hash: string | undefined;
}

export function readFiles(inspection: unknown): DataFile[] {
  return asArray(asObject(inspection).files).map((item) => {
    const file = asObject(item);
    return { path: asText(file.path) ?? "", sizeBytes: asNumber(file.size_bytes), hash: asText(file.hash) };
  });
}

export interface SplitPart {
  name: string;
  rows: number | undefined;
  fingerprint: string | undefined;
}

/** Rows of `b` that are in `a`, too. */
export interface Leak {
  a: string;
  b: string;
  sharedRows: number;
  /** Places in `b`, from 0, of the first of them. */
  firstRows: number[];
  /** Their ids, where rows have names. */
  firstIds: string[];
}

/** Who accepted that a split shares rows, and why. */
export interface Acceptance {
  user: string;
  reason: string;
  acceptedAt: number | undefined;
}

export interface SplitParts {
  parts: SplitPart[];
  /** Undefined when no leakage check was made. */
  leaks: Leak[] | undefined;
  /** By the name of the part that is evaluated. */
  accepted: Map<string, Acceptance>;
}

function readPart(name: string, value: Json): SplitPart {
  const part = asObject(value);
  return {
    name: asText(part.name) ?? name,
    rows: asNumber(part.rows) ?? asNumber(value),
    fingerprint: asText(part.fingerprint) ?? asText(part.hash),
  };
}

function readAcceptances(value: unknown): Map<string, Acceptance> {
  return new Map(
    Object.entries(asObject(value)).flatMap(([split, item]): [string, Acceptance][] => {
      const body = asObject(item);
      const [user, reason] = [asText(body.user), asText(body.reason)];
      if (user === undefined || reason === undefined) return [];
      return [[split, { user, reason, acceptedAt: asNumber(body.accepted_at) }]];
    }),
  );
}

/** Parts by name and the leakage report. Accepts `{parts, leakage}` and bare parts. */
export function readSplitParts(value: unknown): SplitParts {
  const body = asObject(value);
  const table = "parts" in body ? body.parts : value;
  const parts = Array.isArray(table)
    ? table.map((item, index) => readPart(String(index), item))
    : Object.entries(asObject(table))
        .filter(([name]) => name !== "leakage" && name !== "accepted")
        .map(([name, item]) => readPart(name, item));
  const accepted = readAcceptances(body.accepted);
  const report = body.leakage;
  if (report === undefined || report === null) return { parts, leaks: undefined, accepted };
  const pairs = Array.isArray(report) ? report : asArray(asObject(report).pairs);
  const leaks = pairs.map((item) => {
    const pair = asObject(item);
    return {
      a: asText(pair.a) ?? "",
      b: asText(pair.b) ?? "",
      sharedRows: asNumber(pair.shared_rows) ?? 0,
      firstRows: asNumbers(pair.first_rows_in_b).filter(Number.isInteger),
      firstIds: asArray(pair.first_ids_in_b).flatMap((id) => asText(id) ?? []),
    };
  });
  return { parts, leaks, accepted };
}

/** The part that is trained on: results are never of it. */
const TRAINED_ON = "train";

/** Parts whose results the shared rows touch, each with its pairs. */
export function leakedParts(leaks: readonly Leak[]): { split: string; leaks: Leak[] }[] {
  const names = new Set(leaks.flatMap(({ a, b }) => [b, a]));
  names.delete(TRAINED_ON);
  return [...names].map((split) => ({
    split,
    leaks: leaks.filter(({ a, b }) => a === split || b === split),
  }));
}

/** The first shared rows by id, or by place where rows have no names. */
export function leakedRows({ sharedRows, firstRows, firstIds }: Leak): string {
  const named = firstIds.length > 0 ? firstIds : firstRows.map(String);
  if (named.length === 0) return "";
  const more = sharedRows > named.length ? " and more" : "";
  const what = firstIds.length === 0 ? "from 0:" : firstIds.length === 1 ? "id" : "ids";
  return `${what} ${named.join(", ")}${more}`;
}

export interface SchemaField {
  name: string;
  type: string;
  fallback: Json | undefined;
  unit: string | undefined;
  description: string;
  required: boolean;
  /** What a sweep tries when nobody says otherwise: values, or a range. */
  searched: string | undefined;
}

const SCHEMA_DEPTH_MAX = 8;

/** Fields of a JSON Schema by dotted name, with their defaults. */
export function readSchema(schema: unknown, prefix = "", depth = 0): SchemaField[] {
  const body = asObject(schema);
  const required = new Set(asArray(body.required));
  return Object.entries(asObject(body.properties)).flatMap(([key, value]) => {
    const field = asObject(value);
    const name = `${prefix}${key}`;
    if (depth < SCHEMA_DEPTH_MAX && Object.keys(asObject(field.properties)).length > 0) {
      return readSchema(field, `${name}.`, depth + 1);
    }
    return [
      {
        name,
        type: schemaType(field),
        fallback: field.default,
        unit: asText(field["x-unit"]),
        description: asText(field.description) ?? "",
        required: required.has(key),
        searched: searchText(field["x-search"]),
      },
    ];
  });
}

function searchText(value: Json | undefined): string | undefined {
  const search = asObject(value);
  const values = asArray(search.values);
  if (values.length > 0) return values.map((one) => JSON.stringify(one)).join(", ");
  const [low, high] = [asNumber(search.low), asNumber(search.high)];
  if (low === undefined || high === undefined) return undefined;
  return `${low} … ${high}${search.log === true ? ", log" : ""}`;
}

function schemaType(field: { [key: string]: Json }): string {
  const options = asArray(field.enum);
  if (options.length > 0) return options.map((o) => JSON.stringify(o)).join(" | ");
  const type = Array.isArray(field.type) ? field.type.join(" | ") : (asText(field.type) ?? "any");
  const low = asNumber(field.minimum) ?? asNumber(field.exclusiveMinimum);
  const high = asNumber(field.maximum) ?? asNumber(field.exclusiveMaximum);
  if (low === undefined && high === undefined) return type;
  if (high === undefined) return `${type} ${field.minimum === undefined ? ">" : "≥"} ${low}`;
  if (low === undefined) return `${type} ${field.maximum === undefined ? "<" : "≤"} ${high}`;
  return `${type} ${low} … ${high}`;
}
