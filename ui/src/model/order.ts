/** Orders by several keys, as the hub writes them: `metrics.acc desc, params.lr`. */

import { joinList, splitList } from "./language";

export interface OrderKey {
  by: string;
  descending: boolean;
}

/** The hub refuses more. */
export const ORDER_KEYS_MAX = 16;

export function readOrder(text: string | undefined): OrderKey[] {
  const keys = splitList(text ?? "").map((part): OrderKey => {
    const found = /^(.*?)(?:\s+|:)(asc|desc)$/i.exec(part);
    return found
      ? { by: (found[1] ?? "").trim(), descending: found[2]?.toLowerCase() === "desc" }
      : { by: part, descending: false };
  });
  const seen = new Set<string>();
  return keys
    .filter((key) => {
      const fresh = key.by !== "" && !seen.has(key.by);
      seen.add(key.by);
      return fresh;
    })
    .slice(0, ORDER_KEYS_MAX);
}

export function orderTexts(keys: readonly OrderKey[]): string[] {
  return keys.map((key) => (key.descending ? `${key.by} desc` : key.by));
}

/** As it stands in the address; undefined for the hub's own order. */
export function writeOrder(keys: readonly OrderKey[]): string | undefined {
  return keys.length > 0 ? joinList(orderTexts(keys)) : undefined;
}

/**
 * The order after a column's head was pressed. Alone: by this column, then the other way
 * round, then not. With shift (`more`): the same for this key, the others stay.
 */
export function pressed(
  keys: readonly OrderKey[],
  by: string,
  first: "asc" | "desc",
  more: boolean,
): OrderKey[] {
  const known = keys.find((key) => key.by === by);
  const start: OrderKey = { by, descending: first === "desc" };
  const turned: OrderKey = { by, descending: !start.descending };
  const atStart = known?.descending === start.descending;
  if (!more) {
    if (!known || keys.length > 1) return [start];
    return atStart ? [turned] : [];
  }
  if (!known) return [...keys, start].slice(0, ORDER_KEYS_MAX);
  return atStart ? keys.map((key) => (key.by === by ? turned : key)) : keys.filter((key) => key.by !== by);
}

/** Groups have one key: the first that they can be ordered by. */
export function groupOrder(keys: readonly OrderKey[], known: readonly string[]): OrderKey[] {
  return keys.filter((key) => key.by === "runs" || known.includes(key.by)).slice(0, 1);
}
