/**
 * Text for numbers, times, sizes and identifiers. Pure but for the reader's choice of digits and time zone,
 * which is set once from the settings; "now" is handed in.
 */

import { type ApiNumber, toFloat } from "./number";

/** What a reader may choose. */
export interface FormatChoice {
  digits: number;
  utc: boolean;
}

export const DEFAULT_FORMAT: FormatChoice = { digits: 4, utc: false };
let choice = DEFAULT_FORMAT;

export function configureFormat(next: FormatChoice): void {
  choice = next;
}

const MINUS = "\u2212";

function typographic(text: string): string {
  return text.replace(/^-/, MINUS).replace(/e-/, `e${MINUS}`).replace(/e\+/, "e");
}

/** Four significant digits, or as chosen; whole numbers in full up to ten million. */
export function formatNumber(value: ApiNumber | null | undefined, digits = choice.digits): string {
  const number = toFloat(value);
  if (number === undefined) return "–";
  if (Number.isNaN(number)) return "NaN";
  if (!Number.isFinite(number)) return number > 0 ? "∞" : `${MINUS}∞`;
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (Number.isInteger(number) && size < 1e7) return typographic(formatCount(number));
  if (size < 1e-4 || size >= 1e7) {
    const [mantissa = "", exponent = ""] = number.toExponential(digits - 1).split("e");
    const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    return typographic(`${short}e${exponent}`);
  }
  return typographic(String(Number(number.toPrecision(digits))));
}

/** As [`formatNumber`] but with trailing zeros, so that columns of values align. */
export function formatFixed(value: ApiNumber | null | undefined, digits = choice.digits): string {
  const number = toFloat(value);
  if (number === undefined || !Number.isFinite(number)) return formatNumber(value, digits);
  const size = Math.abs(number);
  if (number === 0 || size < 1e-4 || size >= 1e5 || (Number.isInteger(number) && size > 1)) {
    return formatNumber(value, digits);
  }
  return typographic(number.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : digits));
}

/** Every digit, for hover texts. */
export function fullNumber(value: ApiNumber | null | undefined): string {
  const number = toFloat(value);
  return number === undefined ? "no value" : String(number);
}

/** A whole number with thin separators: `12 345`. */
export function formatCount(value: number): string {
  const [whole = "", fraction] = String(value).split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f") : whole;
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A duration in its two largest units: `1h 04m`, `12.3s`, `840ms`. */
export function formatDuration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined || !Number.isFinite(milliseconds)) return "–";
  const ms = Math.max(0, milliseconds);
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)}s`;
  const pad = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(Math.floor(seconds % 60))}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${pad(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${pad(hours % 24)}h`;
}

/** How long a run took so far, from its start; undefined before it started. */
export function runDuration(
  run: { started_at?: number | null; ended_at?: number | null },
  now: number,
): number | undefined {
  if (run.started_at === null || run.started_at === undefined) return undefined;
  return (run.ended_at ?? now) - run.started_at;
}

/** How long ago: `now`, `5m`, `3h`, `12d`, `2y`. */
export function formatAge(at: number | null | undefined, now: number): string {
  if (at === null || at === undefined) return "–";
  const seconds = Math.max(0, (now - at) / 1000);
  if (seconds < 10) return "now";
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  const days = Math.floor(seconds / 86_400);
  return days < 365 ? `${days}d` : `${Math.floor(days / 365)}y`;
}

/** How long ago, in a sentence: `just now`, `5m ago`. */
export function formatAgo(at: number, now: number): string {
  const age = formatAge(at, now);
  return age === "now" ? "just now" : `${age} ago`;
}

/** Date and time to the second, local or, marked `Z`, in UTC. */
export function formatTime(at: number | null | undefined): string {
  if (at === null || at === undefined) return "–";
  const date = new Date(at);
  if (choice.utc) return `${date.toISOString().slice(0, 19).replace("T", " ")}Z`;
  const pad = (n: number) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Bytes in binary units. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return "–";
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`;
}

/** The first characters of a hash, enough to tell two apart by eye. */
export function shortHash(hash: string | null | undefined, length = 12): string {
  if (!hash) return "–";
  const bare = hash.includes(":") ? hash.slice(hash.indexOf(":") + 1) : hash;
  return bare.slice(0, length);
}

/** `1 run`, `3 runs`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `mean ± std`, both with the digits the std makes meaningful. */
export function formatMeanStd(mean: number | undefined, std: number | undefined): string {
  if (mean === undefined) return "–";
  if (std === undefined || !Number.isFinite(std)) return formatFixed(mean);
  return `${formatFixed(mean)} ± ${formatNumber(std, 2)}`;
}
