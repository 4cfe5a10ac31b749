/** Which artifacts can be shown, and how. */

const TEXTUAL =
  /\.(txt|md|log|json|jsonl|ndjson|csv|tsv|ya?ml|toml|ini|cfg|py|rs|sh|xml|html?|css|js|ts|sql|patch|diff)$/i;

/** Raster images that browsers draw; SVG is a document with scripts and stays a download. */
const PICTURE = /\.(png|jpe?g|gif|webp|bmp|avif)$/i;

export function pictorial(path: string): boolean {
  return PICTURE.test(path);
}

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
