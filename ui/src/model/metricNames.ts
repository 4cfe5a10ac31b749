/** Names of metrics over many runs: a few runs tell all about theirs, the hub's list of names tells the rest. */

import { readOperand } from "./language";
import type { NamedMetric } from "./workspace";

/** Names asked of the hub at most; the most frequent come first. */
export const NAMES_MAX = 10_000;
/** Up to so many names that the looked-at runs lack are checked against the charted runs. */
export const CHECKED_MAX = 2_000;
/** Names checked in one request. */
export const CHECKED_TOGETHER = 250;

/** A name as the hub lists it: how a query spells it, and what it is. */
interface Field {
  operand: string;
  kind: string;
}

/** A metric with the operand that asks for it. */
export interface Candidate {
  operand: string;
  name: string;
}

/** Metrics of the list that were logged as series. */
export function candidates(fields: readonly Field[]): Candidate[] {
  return fields.flatMap(({ operand, kind }) => {
    const read = kind === "metric" ? readOperand(operand) : undefined;
    return read?.kind === "metric" ? [{ operand, name: read.name }] : [];
  });
}

/** The operands to check, some at a time; none where there are too many, which are then all taken. */
export function checks(list: readonly Candidate[]): string[][] {
  if (list.length > CHECKED_MAX) return [];
  const pieces: string[][] = [];
  for (let at = 0; at < list.length; at += CHECKED_TOGETHER) {
    pieces.push(list.slice(at, at + CHECKED_TOGETHER).map((one) => one.operand));
  }
  return pieces;
}

/** Operands that at least one of the runs has a value of. */
export function present(runs: readonly { values?: Record<string, unknown> | undefined }[]): Set<string> {
  const found = new Set<string>();
  for (const { values } of runs) {
    for (const [operand, value] of Object.entries(values ?? {})) if (value !== null) found.add(operand);
  }
  return found;
}

/** What the runs looked at say of their metrics, then names that only others have. */
export function joined<M extends NamedMetric>(
  known: readonly M[],
  list: readonly Candidate[],
  logged: ReadonlySet<string>,
): (M | NamedMetric)[] {
  const unchecked = list.length > CHECKED_MAX;
  const others = list.filter((one) => unchecked || logged.has(one.operand));
  return [...known, ...others.map(({ name }): NamedMetric => ({ name }))];
}
