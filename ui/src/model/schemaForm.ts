/** A JSON Schema of params as fields of a form: what each takes, how it is written and read. */

import { parse } from "yaml";
import { asArray, asNumber, asObject, asText, inline, isEmpty, type Json, type JsonObject } from "./json";

export type FieldKind = "choice" | "number" | "integer" | "text" | "long" | "list" | "map" | "any" | "group";

export interface FieldSpec {
  /** From the top of the experiment. */
  path: readonly string[];
  name: string;
  kind: FieldKind;
  help: string;
  unit: string | undefined;
  /** Values of a choice. */
  options: readonly Json[];
  nullable: boolean;
  required: boolean;
  /** What counts when nothing is written. */
  fallback: Json | undefined;
  /** A few words about what may be written, such as `0 … 0.5`. */
  range: string;
  /** Fields of a group. */
  fields: readonly FieldSpec[];
}

const DEPTH_MAX = 6;

/** A field of the hub's own, made by hand. */
export function field(path: string, kind: FieldKind, more: Partial<FieldSpec> = {}): FieldSpec {
  const parts = path.split(".");
  return {
    path: parts,
    name: parts.at(-1) ?? path,
    kind,
    help: "",
    unit: undefined,
    options: [],
    nullable: false,
    required: false,
    fallback: undefined,
    range: "",
    fields: [],
    ...more,
  };
}

/** The fields of an object schema; `path` is where the object is. */
export function readForm(schema: unknown, path: readonly string[] = ["params"], depth = 0): FieldSpec[] {
  const body = asObject(schema);
  const required = new Set(asArray(body.required));
  const specs = Object.entries(asObject(body.properties)).map(([name, value]) =>
    readField(asObject(value), [...path, name], required.has(name), depth),
  );
  // What must be written comes first; otherwise the adapter's order counts.
  return [...specs.filter((one) => one.required), ...specs.filter((one) => !one.required)];
}

function readField(schema: JsonObject, path: readonly string[], required: boolean, depth: number): FieldSpec {
  const types = typesOf(schema);
  const options = asArray(schema.enum);
  const nested = depth < DEPTH_MAX ? readForm(schema, path, depth + 1) : [];
  return {
    path,
    name: path.at(-1) ?? "",
    kind: kindOf(schema, types, options, nested.length > 0),
    help: asText(schema.description) ?? "",
    unit: asText(schema["x-unit"]),
    options: options.length > 0 ? options.filter((one) => one !== null) : [true, false],
    nullable: types.includes("null") || options.includes(null),
    required,
    fallback: schema.default,
    range: rangeOf(schema),
    fields: nested,
  };
}

function typesOf(schema: JsonObject): string[] {
  if (Array.isArray(schema.type)) return schema.type.filter((one) => typeof one === "string");
  return typeof schema.type === "string" ? [schema.type] : [];
}

function kindOf(schema: JsonObject, types: string[], options: Json[], nested: boolean): FieldKind {
  if (options.length > 0) return "choice";
  const main = types.filter((one) => one !== "null");
  if (main.length !== 1) return "any";
  switch (main[0]) {
    case "boolean":
      return "choice";
    case "integer":
    case "number":
      return main[0];
    case "string":
      return "text";
    case "array": {
      const item = typesOf(asObject(schema.items));
      return item.includes("object") || item.includes("array") ? "any" : "list";
    }
    case "object":
      return nested ? "group" : "any";
    default:
      return "any";
  }
}

function rangeOf(schema: JsonObject): string {
  return [...numberRange(schema), ...lengthRange(schema)].join(", ");
}

function numberRange(schema: JsonObject): string[] {
  const bound = (key: string, before = "") => {
    const value = asNumber(schema[key]);
    return value === undefined ? undefined : `${before}${plain(value)}`;
  };
  const from = bound("minimum") ?? bound("exclusiveMinimum", "over ");
  const to = bound("maximum") ?? bound("exclusiveMaximum", "under ");
  const step = bound("multipleOf", "a multiple of ");
  const words = step === undefined ? [] : [step];
  if (from !== undefined && to !== undefined) return [`${from} to ${to}`, ...words];
  if (from !== undefined) return [from.startsWith("over") ? from : `at least ${from}`, ...words];
  if (to !== undefined) return [to.startsWith("under") ? to : `at most ${to}`, ...words];
  return words;
}

function lengthRange(schema: JsonObject): string[] {
  const least = asNumber(schema.minItems);
  const most = asNumber(schema.maxItems);
  if (least !== undefined && least === most) return [`${least} items`];
  return [
    ...(least === undefined ? [] : [`at least ${least} ${least === 1 ? "item" : "items"}`]),
    ...(most === undefined ? [] : [`at most ${most} items`]),
  ];
}

/** A number in full, with thousands apart. */
function plain(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 20 });
}

/** Every field with no fields below it. */
export function flatFields(specs: readonly FieldSpec[]): FieldSpec[] {
  return specs.flatMap((spec) => (spec.kind === "group" ? flatFields(spec.fields) : [spec]));
}

/** Fields whose name or help has the text; groups that have such a field, or are named by it. */
export function findFields(specs: readonly FieldSpec[], text: string): FieldSpec[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [...specs];
  const says = (spec: FieldSpec) =>
    spec.path.join(".").toLowerCase().includes(wanted) || spec.help.toLowerCase().includes(wanted);
  return specs.flatMap((spec) => {
    if (spec.kind !== "group" || says(spec)) return says(spec) ? [spec] : [];
    const fields = findFields(spec.fields, text);
    return fields.length > 0 ? [{ ...spec, fields }] : [];
  });
}

/** A value as the text of its field. */
export function writeValue(kind: FieldKind, value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  if (kind === "list" && Array.isArray(value)) {
    const bare = value.every((item) => typeof item !== "object" && isBare(String(item), item));
    return bare ? value.map(String).join(", ") : JSON.stringify(value);
  }
  if (kind === "map" && typeof value === "object" && !Array.isArray(value)) {
    const pairs = Object.entries(value);
    const bare = pairs.every(
      ([key, item]) => typeof item !== "object" && !/[=,]/.test(`${key}${String(item)}`),
    );
    return bare ? pairs.map(([key, item]) => `${key}=${String(item)}`).join(", ") : JSON.stringify(value);
  }
  return kind === "any" && typeof value === "string" ? JSON.stringify(value) : inline(value);
}

/** Whether an item of a list comes back from its bare text as it was. */
function isBare(text: string, item: Json): boolean {
  return text !== "" && text === text.trim() && !/[,[\]{}"'\n]/.test(text) && scalar(text) === item;
}

/** A bare word as YAML has it: a number, a truth value or text. */
function scalar(text: string): Json {
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  if (text === "true" || text === "false") return text === "true";
  return text;
}

/** The text of a field that cannot be read, and why. */
export class Unreadable extends Error {}

/**
 * The value of a field's text; undefined when nothing is written, which means the default. Text where
 * a number is wanted stays text: the hub says what is wrong with it, in the same words everywhere.
 */
export function readValue(kind: FieldKind, text: string): Json | undefined {
  const bare = text.trim();
  if (bare === "") return undefined;
  switch (kind) {
    case "number":
    case "integer":
      return scalar(bare);
    case "list":
      return bare.startsWith("[") ? readYaml(bare) : bare.split(",").flatMap(item);
    case "map":
      return bare.startsWith("{") ? readYaml(bare) : readPairs(bare);
    case "any":
      return readYaml(bare);
    default:
      return text;
  }
}

function item(text: string): Json[] {
  const bare = text.trim();
  return bare === "" ? [] : [scalar(bare)];
}

function readPairs(text: string): JsonObject {
  const pairs = text
    .split(",")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new Unreadable(`“${pair}” is not name=value`);
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    }),
  );
}

function readYaml(text: string): Json {
  try {
    return (parse(text) ?? null) as Json;
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.split("\n")[0] : undefined;
    throw new Unreadable(said ?? "This cannot be read");
  }
}

/** Whether two values are the same. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: Json | undefined): Json | undefined {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((one) => sorted(one) ?? null);
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key]) ?? null]));
}

/** The default in words. */
export function fallbackText(spec: FieldSpec): string {
  if (spec.fallback === undefined) return spec.required ? "required" : "not set";
  if (isEmpty(spec.fallback)) return "none";
  return writeValue(spec.kind, spec.fallback);
}
