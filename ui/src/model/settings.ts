/** What a reader chose for this browser, read defensively: an older or a broken text becomes the defaults. */

import { asNumber, asObject, asText } from "./json";

export type Density = "compact" | "comfortable";
export type NoticeScope = "watched" | "mine" | "all";
export type TimeZone = "local" | "utc";

export const DENSITIES: readonly Density[] = ["compact", "comfortable"];
export const NOTICE_SCOPES: readonly NoticeScope[] = ["watched", "mine", "all"];
export const TIME_ZONES: readonly TimeZone[] = ["local", "utc"];
export const DIGITS_MIN = 3;
export const DIGITS_MAX = 10;

export interface Settings {
  density: Density;
  /** Whether single keys and sequences do something; Ctrl K and Escape always do. */
  shortcuts: boolean;
  /** Messages of the browser, outside the page. */
  browserNotices: boolean;
  noticeScope: NoticeScope;
  /** Significant digits of numbers. */
  digits: number;
  timeZone: TimeZone;
  /** Whether the navigation shows icons alone. */
  navFolded: boolean;
}

export const DEFAULT_SETTINGS: Settings = {
  density: "compact",
  shortcuts: true,
  browserNotices: false,
  noticeScope: "mine",
  digits: 4,
  timeZone: "local",
  navFolded: false,
};

function oneOf<T extends string>(value: unknown, options: readonly T[], fallback: T): T {
  return options.find((option) => option === asText(value as never)) ?? fallback;
}

function within(value: unknown, low: number, high: number, fallback: number): number {
  const number = asNumber(value as never);
  return number === undefined || !Number.isFinite(number) ? fallback : Math.min(high, Math.max(low, number));
}

export function readSettings(stored: string | null | undefined): Settings {
  let body: Record<string, unknown> = {};
  try {
    body = asObject(JSON.parse(stored ?? "{}"));
  } catch {
    // Not ours, or cut short: the defaults.
  }
  const flag = (name: "shortcuts" | "browserNotices" | "navFolded") =>
    typeof body[name] === "boolean" ? body[name] : DEFAULT_SETTINGS[name];
  return {
    density: oneOf(body.density, DENSITIES, DEFAULT_SETTINGS.density),
    shortcuts: flag("shortcuts"),
    browserNotices: flag("browserNotices"),
    noticeScope: oneOf(body.noticeScope, NOTICE_SCOPES, DEFAULT_SETTINGS.noticeScope),
    digits: Math.round(within(body.digits, DIGITS_MIN, DIGITS_MAX, DEFAULT_SETTINGS.digits)),
    timeZone: oneOf(body.timeZone, TIME_ZONES, DEFAULT_SETTINGS.timeZone),
    navFolded: flag("navFolded"),
  };
}
