/** Comma-separated values (RFC 4180). */

/** One field: quoted where it must be. */
function field(value: string | number | undefined): string {
  const text = value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(
  head: readonly string[],
  rows: Iterable<readonly (string | number | undefined)[]>,
): string {
  const lines = [head.map(field).join(",")];
  for (const row of rows) lines.push(row.map(field).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

/** A name a file may have on every system. */
export function fileName(text: string, ending: string): string {
  const safe = text
    .replace(/[^\p{L}\p{N}._-]+/gu, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 80);
  return `${safe === "" ? "chart" : safe}.${ending}`;
}
