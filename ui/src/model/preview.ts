/** Which artifacts can be shown as text, and how. */

const TEXTUAL =
  /\.(txt|md|log|json|jsonl|ndjson|csv|tsv|ya?ml|toml|ini|cfg|py|rs|sh|xml|html?|css|js|ts|sql|patch|diff)$/i;

/** By name only: the bytes are never interpreted. */
export function textual(path: string): boolean {
  return TEXTUAL.test(path);
}

/** Whole JSON is indented; everything else is shown as it is. */
export function previewText(path: string, text: string, cut: boolean): string {
  if (cut || !/\.json$/i.test(path)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
