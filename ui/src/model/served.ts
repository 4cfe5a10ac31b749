/** What a trained model takes and gives, read from its description without trusting its shape. */

import { asArray, asNumber, asObject, asText, type Json } from "./json";

/** Bodies of `/models/{model}`, as narrow as this page reads them. */
// Written by hand until the generated schema holds them; then they become its names in `api/types.ts`.
export interface ModelAbout {
  model: { run: string; project: string; name: string; adapter: string; hash: string };
  capabilities: string[];
  description: unknown;
  size_bytes: number;
}
interface Asked {
  took_ms: number;
  cold_start: boolean;
}
export interface PredictReply extends Asked {
  outputs: unknown[];
}
export interface SearchReply extends Asked {
  hits: unknown[][];
}

export interface ColumnSpec {
  name: string;
  type: "number" | "category" | "text";
  /** Of a category. */
  values: string[];
  required: boolean;
}

export type InputSpec =
  | { kind: "table"; columns: ColumnSpec[] }
  | { kind: "text"; maxChars: number | undefined }
  | { kind: "image"; channels: number | undefined; height: number | undefined; width: number | undefined }
  | { kind: "vector"; length: number | undefined }
  /** `undefined` for an axis that is free. */
  | { kind: "tensor"; shape: (number | undefined)[]; dtype: string | undefined }
  | { kind: "history"; horizonMax: number | undefined }
  | { kind: "unknown"; name: string };

export const QUERY_KINDS = ["text", "vector", "image"] as const;
export type QueryKind = (typeof QUERY_KINDS)[number];

export interface OutputSpec {
  kind: string;
  /** Of a single value. */
  name: string | undefined;
  unit: string | undefined;
}

export interface Description {
  task: string | undefined;
  input: InputSpec;
  output: OutputSpec;
  /** Kinds of queries it can be searched with. */
  query: QueryKind[];
  /** Of a query that is a vector. */
  vectorLength: number | undefined;
}

const MODEL_FILE = "artifacts/model.json";
const COLUMN_TYPES = ["number", "category", "text"] as const;

/** Whether a run with these artifacts left a model that can be asked. */
export function leftModel(artifacts: readonly { path: string; kind: string }[]): boolean {
  return artifacts.some((one) => one.kind === "model" && one.path === MODEL_FILE);
}

/** A category's value as it is written in an input. */
function valueText(value: Json): string | undefined {
  return value === null || typeof value === "object" ? undefined : String(value);
}

function readColumn(value: Json): ColumnSpec[] {
  const column = asObject(value);
  const name = asText(column.name);
  if (name === undefined) return [];
  return [
    {
      name,
      type: COLUMN_TYPES.find((type) => type === column.type) ?? "text",
      values: asArray(column.values).flatMap((one) => valueText(one) ?? []),
      required: column.required !== false,
    },
  ];
}

function readInput(value: unknown): InputSpec {
  const input = asObject(value);
  switch (input.kind) {
    case "table":
      return { kind: "table", columns: asArray(input.columns).flatMap(readColumn) };
    case "text":
      return { kind: "text", maxChars: asNumber(input.max_chars) };
    case "image":
      return {
        kind: "image",
        channels: asNumber(input.channels),
        height: asNumber(input.height),
        width: asNumber(input.width),
      };
    case "vector":
      return { kind: "vector", length: asNumber(input.length) };
    case "tensor":
      return { kind: "tensor", shape: asArray(input.shape).map(asNumber), dtype: asText(input.dtype) };
    case "history":
      return { kind: "history", horizonMax: asNumber(input.horizon_max) };
    default:
      return { kind: "unknown", name: asText(input.kind) ?? "" };
  }
}

export function readDescription(value: unknown): Description {
  const said = asObject(value);
  const output = asObject(said.output);
  const input = readInput(said.input);
  return {
    task: asText(said.task),
    input,
    output: { kind: asText(output.kind) ?? "", name: asText(output.name), unit: asText(output.unit) },
    query: QUERY_KINDS.filter((kind) => asArray(said.query).includes(kind)),
    vectorLength: asNumber(said.vector_length) ?? (input.kind === "vector" ? input.length : undefined),
  };
}

/** What a query of a kind is, in the words of an input. */
export function querySpec(description: Description, kind: QueryKind): InputSpec {
  const { input, vectorLength } = description;
  if (input.kind === kind) return input;
  switch (kind) {
    case "text":
      return { kind, maxChars: undefined };
    case "vector":
      return { kind, length: vectorLength };
    case "image":
      return { kind, channels: undefined, height: undefined, width: undefined };
  }
}

/** What an input must be, in a line; empty when there is nothing to say. */
export function inputHint(spec: InputSpec): string {
  switch (spec.kind) {
    case "text":
      return spec.maxChars === undefined ? "" : `up to ${spec.maxChars} characters`;
    case "image":
      return spec.height === undefined || spec.width === undefined
        ? "a PNG or JPEG of any size"
        : `a PNG or JPEG of any size; the model sees ${spec.height} × ${spec.width}${spec.channels === 1 ? ", grey" : ""}`;
    case "vector":
      return spec.length === undefined ? "numbers" : `${spec.length} numbers`;
    case "tensor": {
      const shape = spec.shape.map((size) => size ?? "any").join(" × ");
      return `nested lists of ${spec.dtype ?? "numbers"}${shape && `, ${shape}`}`;
    }
    case "history":
      return spec.horizonMax === undefined ? "steps ahead" : `1 to ${spec.horizonMax} steps ahead`;
    default:
      return "";
  }
}

/** Whether the adapter that made a run, as its snapshot tells it, can do this. */
export function adapterCan(adapter: unknown, capability: string): boolean {
  const known = typeof adapter === "object" && adapter !== null && "capabilities" in adapter;
  return known && Array.isArray(adapter.capabilities) && adapter.capabilities.includes(capability);
}
