/** Terminal colours of a log line, as plain text spans: nothing here ever becomes markup. */

import Anser from "anser";

export interface Span {
  text: string;
  /** Class names from a fixed set. */
  className: string;
  /** `r, g, b` for 256-colour and true-colour text. */
  color: string | undefined;
}

/** Characters shown of a line until the reader asks for all of it. */
export const LINE_LENGTH_MAX = 2_000;
/** Characters shown of a line at most. */
export const LINE_SHOWN_MAX = 512 * 1024;

const KNOWN = /^ansi-(bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/;
const DECORATIONS = new Set(["bold", "dim", "italic", "underline", "strikethrough"]);
// Cursor movement, titles and other sequences that are not colours.
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences are control characters
const OTHER_SEQUENCES = /\u001b\[[0-9;?]*[A-HJKSTfhlnsu]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences are control characters
const COLOR_SEQUENCE = /\u001b\[[0-9;]*m/g;

/** What a terminal would leave of a line that was rewritten with carriage returns. */
export function afterReturns(line: string): string {
  const trimmed = line.endsWith("\r") ? line.slice(0, -1) : line;
  return trimmed.slice(trimmed.lastIndexOf("\r") + 1);
}

/** The line without any terminal sequence. */
export function plainText(line: string): string {
  return afterReturns(line).replace(OTHER_SEQUENCES, "").replace(COLOR_SEQUENCE, "");
}

/** The spans of one line, of which `max` characters are shown. */
export function ansiSpans(line: string, max = LINE_SHOWN_MAX): Span[] {
  const text = afterReturns(line).replace(OTHER_SEQUENCES, "").slice(0, max);
  if (!text.includes("\u001b")) return [{ text, className: "", color: undefined }];
  return Anser.ansiToJson(text, { json: true, use_classes: true, remove_empty: true }).map((part) => {
    const names = part.decorations.filter((d) => DECORATIONS.has(d)).map((d) => `ansi-${d}`);
    if (part.fg && KNOWN.test(part.fg)) names.push(part.fg);
    if (part.bg && KNOWN.test(part.bg)) names.push(`${part.bg}-bg`);
    const color = part.fg && !KNOWN.test(part.fg) ? paletteColor(part.fg, part.fg_truecolor) : undefined;
    return { text: part.content, className: names.join(" "), color };
  });
}

function paletteColor(name: string, trueColor: string | null): string | undefined {
  if (trueColor && /^\d+, ?\d+, ?\d+$/.test(trueColor)) return `rgb(${trueColor})`;
  const match = /^ansi-palette-(\d+)$/.exec(name);
  return match ? xterm(Number(match[1])) : undefined;
}

/** The xterm colour cube (16-231) and grey ramp (232-255). */
function xterm(index: number): string | undefined {
  if (index < 16 || index > 255) return undefined;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40);
  const cube = index - 16;
  const [r, g, b] = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6];
  return `rgb(${level(r)}, ${level(g)}, ${level(b)})`;
}

export interface MarkedSpan extends Span {
  /** Whether it is what was searched for. */
  hit: boolean;
}

/** The spans cut where a text occurs in the line, whatever its case; the text may run over several spans. */
export function markedSpans(spans: readonly Span[], needle: string): MarkedSpan[] {
  const all = spans.map((span) => span.text).join("");
  // Lower case may be longer than the text in some scripts; then nothing is marked rather than something wrong.
  const lower = all.toLowerCase();
  const wanted = needle.toLowerCase();
  if (wanted === "" || lower.length !== all.length) return spans.map((span) => ({ ...span, hit: false }));
  const result: MarkedSpan[] = [];
  let from = 0;
  let found = lower.indexOf(wanted);
  for (const span of spans) {
    const end = from + span.text.length;
    let at = from;
    while (at < end) {
      while (found >= 0 && found + wanted.length <= at) found = lower.indexOf(wanted, found + wanted.length);
      const hit = found >= 0 && found <= at;
      const stop = Math.min(end, found < 0 ? end : hit ? found + wanted.length : found);
      result.push({ ...span, text: all.slice(at, stop), hit });
      at = stop;
    }
    from = end;
  }
  return result;
}
