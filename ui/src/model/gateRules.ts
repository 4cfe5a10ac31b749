/**
 * Rules of a gate as a person writes them, in TOML, and as the hub takes them. What the rules mean is judged by
 * the hub alone. Pages import it that are loaded when they are opened: the reader of TOML is in it.
 */

import { parse, stringify, TomlError, type TomlTable } from "smol-toml";
import type { JsonObject } from "./json";

export interface RulesMistake {
  message: string;
  /** From 1; missing where the text is TOML and a value is not usable. */
  line?: number;
}

export type RulesRead = { rules: JsonObject } | { mistake: RulesMistake };

/** Where a value lies that JSON would silently lose or turn into something else. */
function unusable(value: unknown, path: string): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return `${path} is not a finite number`;
  if (value instanceof Date) return `${path} is a date, and no rule has one`;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = unusable(item, path === "" ? key : `${path}.${key}`);
    if (found) return found;
  }
  return undefined;
}

/** The rules of a text; empty rules for an empty one. */
export function readRules(text: string): RulesRead {
  try {
    const rules = parse(text);
    const message = unusable(rules, "");
    return message ? { mistake: { message } } : { rules: rules as JsonObject };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Its first line says what is wrong; the place is told beside it.
    const [first = ""] = error.message.split("\n");
    const message = first.replace(/^Invalid TOML document: /, "");
    return { mistake: { message, line: error.line } };
  }
}

/** Without what is absent: null, and lists of no rules. */
function said(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(said);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([, item]) => item !== null && item !== undefined && !(Array.isArray(item) && item.length === 0),
  );
  return Object.fromEntries(entries.map(([key, item]) => [key, said(item)]));
}

/** The rules as TOML. */
export function rulesText(rules: JsonObject): string {
  return stringify(said(rules) as TomlTable).trim();
}
