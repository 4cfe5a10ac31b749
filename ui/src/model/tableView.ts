/** A logged table as it is looked at: rows found and ordered, and written as CSV. */

import type { TableBody } from "./media";

export interface TableOrder {
  column: number;
  descending: boolean;
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

/** Columns whose cells are all numbers or empty, some of them numbers. */
export function numericColumns(table: TableBody): boolean[] {
  return table.columns.map((_, i) => {
    let found = false;
    for (const row of table.rows) {
      const text = row[i];
      if (text === undefined || text === "") continue;
      if (numberOf(text) === undefined && text !== "NaN") return false;
      found = true;
    }
    return found;
  });
}

/** Places of the rows that hold the text, in the order asked for; rows without a value come last. */
export function viewRows(table: TableBody, text: string, order: TableOrder | undefined): number[] {
  const needle = text.trim().toLowerCase();
  const found = table.rows.flatMap((row, at) =>
    needle === "" || row.some((cell) => cell.toLowerCase().includes(needle)) ? [at] : [],
  );
  if (!order) return found;
  const { column, descending } = order;
  const sign = descending ? -1 : 1;
  const keyed = found.map((at) => {
    const cell = table.rows[at]?.[column] ?? "";
    return { at, cell, number: numberOf(cell) };
  });
  keyed.sort((a, b) => {
    if (a.cell === "" || b.cell === "") return Number(a.cell === "") - Number(b.cell === "");
    if (a.number !== undefined && b.number !== undefined) return sign * (a.number - b.number);
    if (a.number !== undefined || b.number !== undefined) return a.number === undefined ? 1 : -1;
    return sign * COLLATOR.compare(a.cell, b.cell);
  });
  return keyed.map((one) => one.at);
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** RFC 4180: a head and the rows at these places. */
export function toCsv(table: TableBody, places: readonly number[]): string {
  const line = (cells: readonly string[]) => table.columns.map((_, i) => csvCell(cells[i] ?? "")).join(",");
  return [line(table.columns), ...places.map((at) => line(table.rows[at] ?? []))].join("\r\n");
}
