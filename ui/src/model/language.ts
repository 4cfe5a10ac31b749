/**
 * Just enough of the hub's query language to write it: names as the language spells them,
 * lists of operands, and what stands before the caret. The hub alone decides what a query means.
 */

/** A part of a name that needs no quotes. */
const BARE = /^[\p{Alphabetic}\p{N}_\-/@]+$/u;

/** What an operand names. */
export type Operand =
  | { kind: "field"; name: string }
  | { kind: "metric"; name: string; of: "last" | "min" | "max" | "count" }
  | { kind: "evaluated"; name: string; split: string }
  | { kind: "param" | "tag"; name: string }
  | { kind: "group"; name: string };

/** A text in quotes. */
export function quoted(text: string, mark: '"' | "'" = "'"): string {
  const inner = text
    .replaceAll("\\", "\\\\")
    .replaceAll(mark, `\\${mark}`)
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return `${mark}${inner}${mark}`;
}

/** The name of a metric, param or tag, in quotes where it must be. */
function spelled(name: string): string {
  return name.split(".").every((part) => BARE.test(part)) ? name : quoted(name, '"');
}

export function metricOperand(name: string): string {
  return `metrics.${spelled(name)}`;
}

/** An evaluated metric, which lists call `SPLIT/NAME`. */
export function evaluatedOperand(key: string): string {
  const slash = key.indexOf("/");
  if (slash < 0) return metricOperand(key);
  const split = key.slice(0, slash);
  return `eval.${BARE.test(split) ? split : quoted(split, '"')}.${spelled(key.slice(slash + 1))}`;
}

export function paramOperand(name: string): string {
  return `params.${spelled(name)}`;
}

export function tagOperand(name: string): string {
  return `tags.${spelled(name)}`;
}

/** Where a quoted text that starts at `from` ends, its mark included; undefined when it is open. */
function quoteEnd(text: string, from: number): number | undefined {
  const mark = text[from];
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === mark) return at + 1;
  }
  return undefined;
}

function unquoted(part: string): string {
  const mark = part[0];
  if (mark !== '"' && mark !== "'" && mark !== "`") return part;
  return part.slice(1, -1).replace(/\\(["'`\\])/g, "$1");
}

/** `a."b c".d` without quotes, part by part; undefined where it is no name. */
function nameParts(text: string): string[] | undefined {
  const parts: string[] = [];
  let at = 0;
  while (at < text.length) {
    const isQuoted = "\"'`".includes(text[at] ?? "");
    const dot = text.indexOf(".", at);
    const end = isQuoted ? quoteEnd(text, at) : dot < 0 ? text.length : dot;
    if (end === undefined || end === at || (end < text.length && text[end] !== ".")) return undefined;
    parts.push(unquoted(text.slice(at, end)));
    at = end + 1;
  }
  return text.endsWith(".") || parts.length === 0 ? undefined : parts;
}

/** Reads an operand such as `metrics.loss`, `max(metrics.acc)` or `state`. */
export function readOperand(text: string): Operand | undefined {
  const inner = /^(min|max|count|last)\((.*)\)$/.exec(text.trim());
  if (inner) {
    const found = readOperand(inner[2] ?? "");
    const of = inner[1] as "last" | "min" | "max" | "count";
    return found?.kind === "metric" && found.of === "last" ? { ...found, of } : undefined;
  }
  if (/^group\./.test(text)) return { kind: "group", name: text };
  const parts = nameParts(text.trim());
  const [first = "", ...rest] = parts ?? [];
  const name = rest.join(".");
  if (parts === undefined || (rest.length > 0 && name === "")) return undefined;
  if (rest.length === 0) return /^[a-z_]+$/.test(first) ? { kind: "field", name: first } : undefined;
  switch (first) {
    case "metrics":
      return { kind: "metric", name, of: "last" };
    case "params":
      return { kind: "param", name };
    case "tags":
      return { kind: "tag", name };
    case "eval":
      return rest.length > 1
        ? { kind: "evaluated", split: rest[0] ?? "", name: rest.slice(1).join(".") }
        : undefined;
    default:
      return undefined;
  }
}

/** Splits at commas that stand in no quotes and no parentheses. */
export function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? "";
    if ("\"'`".includes(character)) at = (quoteEnd(text, at) ?? text.length) - 1;
    else if (character === "(") depth += 1;
    else if (character === ")") depth -= 1;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

export function joinList(parts: readonly string[]): string {
  return parts.join(",");
}

/** Whether all parentheses and quotes close, so that the query may be put into parentheses. */
function closes(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? "";
    if (character === "(") depth += 1;
    else if (character === ")") {
      depth -= 1;
      if (depth < 0) return false;
    } else if ("\"'`".includes(character)) {
      const end = quoteEnd(text, at);
      if (end === undefined) return false;
      at = end - 1;
    }
  }
  return depth === 0;
}

/** A query narrowed by a condition in front; `shift` is where the reader's own text begins in it. */
export function narrowed(condition: string, query: string): { query: string; shift: number } {
  if (query.trim() === "") return { query: condition, shift: 0 };
  // What does not close is a mistake anyway: the hub names it in the text as it was written.
  if (!closes(query)) return { query, shift: 0 };
  const before = `${condition} and (`;
  return { query: `${before}${query})`, shift: before.length };
}
