/** What can be written next in a query: fields, signs, values and keywords that fit before the caret. */

import { FIELD_NAMES, type TableColumn } from "./columns";
import { quoted, readOperand } from "./language";
import { RUN_STATES } from "./states";

export type CompletionKind = "field" | "metric" | "param" | "tag" | "sign" | "value" | "word" | "function";

export interface Completion {
  text: string;
  kind: CompletionKind;
  /** What it is, in a few words. */
  detail: string;
}

export interface Completions {
  /** The part of the query that is replaced. */
  from: number;
  to: number;
  options: Completion[];
}

/** What the project is known to have. */
export interface Known {
  columns: readonly TableColumn[];
  /** Values seen, by operand. */
  values: ReadonlyMap<string, readonly string[]>;
}

const OPTIONS_MAX = 50;
const SIGNS: readonly (readonly [string, string])[] = [
  ["=", "is"],
  ["!=", "is not"],
  ["<", "less"],
  ["<=", "at most"],
  [">", "more"],
  [">=", "at least"],
  ["in (", "one of"],
  ["like", "% is any text"],
  ["~", "regular expression"],
  ["contains", "holds the text"],
  ["is null", "has no value"],
  ["is not null", "has a value"],
];
const TIMES = new Set(["created", "started", "ended", "deleted"]);
const TOKEN =
  /\s+|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|(?:[\p{Alphabetic}_][\p{Alphabetic}\p{N}_\-/@]*(?:\.(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|`(?:\\.|[^`\\])*`?|[\p{Alphabetic}\p{N}_\-/@]*))*)|[\p{N}+\-.][\p{Alphabetic}\p{N}_\-/@.:+]*|[<>=!~]+|[(),:]|./uy;

interface Token {
  text: string;
  from: number;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) break;
    if (match[0].trim() !== "") found.push({ text: match[0], from });
  }
  return found;
}

const WORD = /^[\p{Alphabetic}_"'`]/u;
const VALUE = /^[\p{N}"'+\-.]/u;
const CLOSERS = /^(and|or)$/i;

/** What the tokens so far ask for next. */
type Wanted = { what: "operand" } | { what: "sign" } | { what: "value"; of: string } | { what: "joint" };

function wanted(before: readonly Token[]): Wanted {
  let state: Wanted = { what: "operand" };
  let operand = "";
  let list = false;
  for (const { text } of before) {
    const lower = text.toLowerCase();
    if (CLOSERS.test(text)) state = { what: "operand" };
    else if (list && text === ",") state = { what: "value", of: operand };
    else if (list && text === ")") {
      list = false;
      state = { what: "joint" };
    } else if (state.what === "value" && text === "(") list = true;
    else if (state.what === "value") state = { what: "joint" };
    else if (state.what === "operand") {
      if (
        lower === "not" ||
        text === "(" ||
        /^(min|max|count|last)$/.test(lower) ||
        /^group\.\w+$/.test(lower)
      ) {
        if (lower === "group.count") state = { what: "sign" };
        continue;
      }
      operand = text;
      state = VALUE.test(text) ? { what: "joint" } : { what: "sign" };
    } else if (/^([<>=!~]+|in|like|ilike|matches|contains)$/.test(lower))
      state = { what: "value", of: operand };
    else if (lower === "null") state = { what: "joint" };
    else if (text === ")" && state.what === "sign") state = { what: "sign" };
    else if (text === ")") state = { what: "joint" };
  }
  return state;
}

function operands(known: Known): Completion[] {
  const named = known.columns
    .filter((column) => column.kind !== "field")
    .map((column): Completion => {
      const kind = column.kind as "metric" | "param" | "tag";
      return { text: column.id, kind, detail: column.id.startsWith("eval.") ? "evaluated" : kind };
    });
  return [
    ...named,
    ...FIELD_NAMES.map((text): Completion => ({ text, kind: "field", detail: "of the run" })),
    { text: "not", kind: "word", detail: "the opposite" },
    { text: "min(metrics.", kind: "function", detail: "smallest value" },
    { text: "max(metrics.", kind: "function", detail: "largest value" },
    { text: "count(metrics.", kind: "function", detail: "number of values" },
    { text: "group.mean(metrics.", kind: "function", detail: "mean over seeds" },
    { text: "group.count", kind: "function", detail: "runs of the seed group" },
  ];
}

function signs(): Completion[] {
  return [...SIGNS.map(([text, detail]): Completion => ({ text, kind: "sign", detail })), ...joints()];
}

function joints(): Completion[] {
  return [
    { text: "and", kind: "word", detail: "both" },
    { text: "or", kind: "word", detail: "either" },
  ];
}

function values(of: string, known: Known): Completion[] {
  const value = (text: string, detail = "value"): Completion => ({ text, kind: "value", detail });
  if (of === "state") return RUN_STATES.map((state) => value(state, "state"));
  if (TIMES.has(of))
    return [value("-1h", "an hour ago"), value("-1d", "a day ago"), value("-7d", "a week ago")];
  if (of === "duration") return [value("10m"), value("1h"), value("1d")];
  const kind = readOperand(of)?.kind;
  if (kind === "metric" || kind === "evaluated")
    return [value("nan", "not a number"), value("inf", "infinite")];
  const bare = /^[\p{Alphabetic}_][\p{Alphabetic}\p{N}_\-/@]*$|^-?\d+(\.\d+)?(e-?\d+)?$/u;
  return (known.values.get(of) ?? []).map((text) => value(bare.test(text) ? text : quoted(text)));
}

/** How well an option fits what is typed: 0 best, undefined not at all. */
function suits(option: string, typed: string): number | undefined {
  if (typed === "") return 0;
  const low = option.toLowerCase();
  if (low.startsWith(typed)) return 0;
  const dot = low.indexOf(".");
  if (
    dot >= 0 &&
    low
      .slice(dot + 1)
      .replace(/^"/, "")
      .startsWith(typed)
  )
    return 1;
  return low.includes(typed) ? 2 : undefined;
}

/** Completions at the caret. */
export function complete(text: string, caret: number, known: Known): Completions {
  const before = tokens(text.slice(0, caret));
  const last = before[before.length - 1];
  const touching = last !== undefined && last.from + last.text.length === caret;
  const word = touching && (WORD.test(last.text) || VALUE.test(last.text)) ? last : undefined;
  const from = word?.from ?? caret;
  const next = wanted(word ? before.slice(0, -1) : before);
  const typed = (word?.text ?? "").toLowerCase();
  const list =
    next.what === "operand"
      ? operands(known)
      : next.what === "sign"
        ? signs()
        : next.what === "value"
          ? values(next.of, known)
          : joints();
  const options = list
    .map((option) => ({ option, rank: suits(option.text, typed) }))
    .filter((one): one is { option: Completion; rank: number } => one.rank !== undefined)
    .sort((a, b) => a.rank - b.rank)
    .map((one) => one.option)
    .filter((option) => option.text !== word?.text)
    .slice(0, OPTIONS_MAX);
  return { from, to: caret, options };
}

/** The query with an option taken, and where the caret stands then. */
export function taken(text: string, at: Completions, option: Completion): { text: string; caret: number } {
  const rest = text.slice(at.to);
  const open = /[.(]$/.test(option.text);
  const gap = open || rest.startsWith(" ") ? "" : " ";
  const before = text.slice(0, at.from) + option.text + gap;
  return { text: before + rest, caret: before.length + (rest.startsWith(" ") && !open ? 1 : 0) };
}

/** Values that runs have, by operand, for completing them. */
export function knownValues(
  runs: readonly {
    params: Record<string, string>;
    tags: Record<string, string>;
    experiment: string;
    project: string;
    owner: string;
    adapter?: string | null;
    dataset?: string | null;
  }[],
  operandOf: { param: (name: string) => string; tag: (name: string) => string },
): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  const add = (operand: string, value: string | null | undefined) => {
    if (value === null || value === undefined || value === "" || value.length > 80) return;
    const list = found.get(operand) ?? new Set<string>();
    list.add(value);
    found.set(operand, list);
  };
  for (const run of runs) {
    for (const [name, value] of Object.entries(run.params)) add(operandOf.param(name), value);
    for (const [name, value] of Object.entries(run.tags)) add(operandOf.tag(name), value);
    for (const field of ["experiment", "project", "owner", "adapter", "dataset"] as const)
      add(field, run[field]);
  }
  return new Map([...found].map(([operand, list]) => [operand, [...list].sort()]));
}
