/** From what a form holds to the input of a request, and from a refusal back to the field of the form. */

import type { Picked } from "./images";
import { asObject, asText } from "./json";
import type { ColumnSpec, InputSpec } from "./served";

/** Everything a reader typed or picked; each kind of input reads its part. */
export interface Draft {
  /** By column. */
  cells: Readonly<Record<string, string>>;
  text: string;
  /** JSON of a vector or tensor. */
  numbers: string;
  horizon: string;
  image: Picked | undefined;
}

export const EMPTY_DRAFT: Draft = { cells: {}, text: "", numbers: "", horizon: "", image: undefined };

/** The key of the field that is the whole input; columns have their names after `CELL`. */
export const WHOLE = "input";
export const HITS = "k";
const CELL = "cell:";
/** What is wrong, by field. */
export type Mistakes = Readonly<Record<string, string>>;

export function cellField(column: string): string {
  return `${CELL}${column}`;
}

export type Written = { value: unknown; mistakes?: undefined } | { value?: undefined; mistakes: Mistakes };

function wrong(message: string): Written {
  return { mistakes: { [WHOLE]: message } };
}

/** A number as people write it; undefined when it is none or not finite. */
function readNumber(text: string): number | undefined {
  const trimmed = text.trim();
  const value = Number(trimmed);
  return trimmed !== "" && Number.isFinite(value) ? value : undefined;
}

function writeCell(column: ColumnSpec, text: string): { value?: unknown; mistake?: string } {
  if (text.trim() === "" && !(column.type === "text" && text !== "")) {
    return column.required ? { mistake: "is missing, and the model needs it" } : {};
  }
  if (column.type !== "number") return { value: text };
  const value = readNumber(text);
  return value === undefined ? { mistake: "must be a finite number" } : { value };
}

function writeRow(columns: readonly ColumnSpec[], cells: Draft["cells"]): Written {
  const value: [string, unknown][] = [];
  const mistakes: [string, string][] = [];
  for (const column of columns) {
    const written = writeCell(column, Object.hasOwn(cells, column.name) ? (cells[column.name] ?? "") : "");
    if (written.mistake !== undefined) mistakes.push([cellField(column.name), written.mistake]);
    else if (written.value !== undefined) value.push([column.name, written.value]);
  }
  return mistakes.length > 0
    ? { mistakes: Object.fromEntries(mistakes) }
    : { value: Object.fromEntries(value) };
}

function shapeText(shape: readonly (number | undefined)[]): string {
  return shape.map((size) => size ?? "any").join(" × ");
}

/** Whether the value is nested lists of finite numbers of the shape. */
function hasShape(value: unknown, shape: readonly (number | undefined)[], depth = 0): boolean {
  if (depth === shape.length) return typeof value === "number" && Number.isFinite(value);
  if (!Array.isArray(value)) return false;
  const size = shape[depth];
  return (
    (size === undefined || size === value.length) && value.every((one) => hasShape(one, shape, depth + 1))
  );
}

/** Numbers may stand without the outer brackets. */
function parseNumbers(text: string): unknown {
  const trimmed = text.trim();
  try {
    return JSON.parse(trimmed.startsWith("[") ? trimmed : `[${trimmed}]`) as unknown;
  } catch {
    return undefined;
  }
}

function writeVector(length: number | undefined, text: string): Written {
  const value = parseNumbers(text);
  if (!hasShape(value, [undefined]) || !Array.isArray(value)) {
    return wrong("must be numbers with commas between them, such as [0.5, 1, -2]");
  }
  if (length !== undefined && value.length !== length) {
    return wrong(`has ${value.length} numbers; the model takes ${length}`);
  }
  return { value };
}

function writeTensor(shape: readonly (number | undefined)[], text: string): Written {
  let value: unknown;
  try {
    value = JSON.parse(text.trim());
  } catch {
    return wrong("must be JSON: nested lists of numbers, such as [[0, 1], [2, 3]]");
  }
  if (!hasShape(value, shape))
    return wrong(`must be nested lists of numbers of the shape ${shapeText(shape)}`);
  return { value };
}

function writeText(maxChars: number | undefined, text: string): Written {
  if (text === "") return wrong("is empty");
  const characters = [...text].length;
  if (maxChars !== undefined && characters > maxChars) {
    return wrong(`has ${characters} characters; the model takes up to ${maxChars}`);
  }
  return { value: text };
}

function writeHorizon(most: number | undefined, text: string): Written {
  const horizon = readNumber(text);
  if (horizon === undefined || !Number.isInteger(horizon) || horizon < 1 || horizon > (most ?? horizon)) {
    return wrong(
      most === undefined ? "must be a whole number from 1" : `must be a whole number from 1 to ${most}`,
    );
  }
  return { value: { horizon } };
}

/** The input of a request, or what is wrong with the form. */
export function writeInput(spec: InputSpec, draft: Draft): Written {
  switch (spec.kind) {
    case "table":
      return writeRow(spec.columns, draft.cells);
    case "text":
      return writeText(spec.maxChars, draft.text);
    case "image":
      return draft.image
        ? { value: { base64: draft.image.base64, media_type: draft.image.mediaType } }
        : wrong("choose an image");
    case "vector":
      return writeVector(spec.length, draft.numbers);
    case "tensor":
      return writeTensor(spec.shape, draft.numbers);
    case "history":
      return writeHorizon(spec.horizonMax, draft.horizon);
    case "unknown":
      return wrong(`this page knows no inputs of the kind "${spec.name}"`);
  }
}

export const HITS_MAX = 1000;

/** The number of hits wanted; undefined when the text is no such number. */
export function readHits(text: string): number | undefined {
  const value = readNumber(text);
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= HITS_MAX
    ? value
    : undefined;
}

/**
 * The field of the form that a refusal names (`inputs.0.island`, `queries.0.text`, `k`), with what is
 * wrong with it; undefined when it names none that the form has.
 */
export function blamed(spec: InputSpec, error: { message: string; details: unknown }): Mistakes | undefined {
  const details = asObject(error.details);
  const field = asText(details.field);
  if (field === undefined) return undefined;
  const prefix = `${field}: `;
  const message =
    asText(details.message) ??
    (error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message);
  if (field === HITS) return { [HITS]: message };
  const within = /^(?:inputs|queries)\.0(?:\.(.+))?$/s.exec(field);
  if (!within) return undefined;
  if (spec.kind !== "table") return { [WHOLE]: message };
  const column = spec.columns.find((one) => one.name === within[1]);
  return column && { [cellField(column.name)]: message };
}
