/**
 * The layout of a chart workspace: a versioned JSON object that saved views keep. It is read
 * defensively: it may come from an older page, a newer one, or a hand-edited file.
 */

import { type Band, readBand } from "./bands";
import { parse } from "./expression";
import { sectionOf } from "./metrics";
import { readAxis, type XAxis } from "./series";

/** What all charts of a workspace share. */
export interface ChartSettings {
  axis: XAxis;
  logX: boolean;
  logY: boolean;
  /** Weight of the moving average, 0 for none. */
  smoothing: number;
  /** How groups of runs are drawn: each run by itself, their mean with a band, or as the page around does. */
  band: Band | "none" | "auto";
  /** Whether y axes leave outliers out. */
  clip: boolean;
  /** Whether branches that a resume left behind are drawn, where runs have some. */
  superseded: boolean;
}

/** Settings with nothing left open. */
export type DrawnSettings = Omit<ChartSettings, "band"> & { band: Band | "none" };

/** Where the reader chose no way of drawing groups, runs that the page groups begin as means. */
export function drawnSettings(settings: ChartSettings, grouped: boolean): DrawnSettings {
  const { band } = settings;
  return { ...settings, band: band === "auto" ? (grouped ? "std" : "none") : band };
}

/** What is kept of one panel; absent: as all are. */
export interface PanelLayout {
  /** Columns it takes. */
  width: number;
  /** Steps of height. */
  height: number;
  /** The y range set by hand. */
  y?: [number, number];
}

export interface WorkspaceLayout {
  version: 1;
  settings: ChartSettings;
  /** Sections folded, and those unfolded that would start folded. */
  folded: string[];
  unfolded: string[];
  /** Panels on top, in order. */
  pinned: string[];
  /** Panels taken away. */
  hidden: string[];
  /** Panels of a section in an order of one's own; others follow. */
  order: Record<string, string[]>;
  panels: Record<string, PanelLayout>;
  expressions: string[];
}

export const SETTINGS: ChartSettings = {
  axis: "step",
  logX: false,
  logY: false,
  smoothing: 0,
  band: "auto",
  clip: false,
  superseded: false,
};

export const SMOOTHING_MAX = 0.99;
export const PANEL_WIDTH_MAX = 4;
export const PANEL_HEIGHT_MAX = 4;
export const PANEL: PanelLayout = { width: 1, height: 1 };
/** Names kept in any list of a layout. */
const LIST_MAX = 2000;
const NAME_MAX = 600;
export const EXPRESSIONS_MAX = 100;
/** The section of expressions. */
export const EXPRESSIONS_SECTION = "expressions";
export const PINNED_SECTION = "pinned";

export const EMPTY_LAYOUT: WorkspaceLayout = {
  version: 1,
  settings: SETTINGS,
  folded: [],
  unfolded: [],
  pinned: [],
  hidden: [],
  order: {},
  panels: {},
  expressions: [],
};

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function names(value: unknown, most = LIST_MAX): string[] {
  if (!Array.isArray(value)) return [];
  const texts = value.filter((one): one is string => typeof one === "string" && one.length <= NAME_MAX);
  return [...new Set(texts)].slice(0, most);
}

function between(value: unknown, low: number, high: number, otherwise: number): number {
  return typeof value === "number" && value >= low && value <= high ? value : otherwise;
}

export function readSettings(value: unknown): ChartSettings {
  const read = record(value);
  return {
    axis: readAxis(read.axis),
    logX: read.logX === true,
    logY: read.logY === true,
    smoothing: between(read.smoothing, 0, SMOOTHING_MAX, 0),
    band: read.band === "none" ? "none" : (readBand(read.band) ?? "auto"),
    clip: read.clip === true,
    superseded: read.superseded === true,
  };
}

/** A range set by hand; undefined when it is none. */
export function readRange(value: unknown): [number, number] | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [low, high] = value;
  return typeof low === "number" && typeof high === "number" && Number.isFinite(low) && high > low
    ? [low, high]
    : undefined;
}

function readPanel(value: unknown): PanelLayout {
  const read = record(value);
  const y = readRange(read.y);
  return {
    width: Math.round(between(read.width, 1, PANEL_WIDTH_MAX, 1)),
    height: Math.round(between(read.height, 1, PANEL_HEIGHT_MAX, 1)),
    ...(y && { y }),
  };
}

function entries<T>(value: unknown, read: (one: unknown) => T): Record<string, T> {
  const list = Object.entries(record(value)).filter(([name]) => name.length <= NAME_MAX);
  return Object.fromEntries(list.slice(0, LIST_MAX).map(([name, one]) => [name, read(one)]));
}

/** The layout that was kept; what it does not say is as in an empty one. */
export function readLayout(value: unknown): WorkspaceLayout {
  const read = record(value);
  // A newer layout may mean other things by the same words.
  if (read.version !== 1) return { ...EMPTY_LAYOUT, settings: readSettings(read.settings) };
  return {
    version: 1,
    settings: readSettings(read.settings),
    folded: names(read.folded),
    unfolded: names(read.unfolded),
    pinned: names(read.pinned),
    hidden: names(read.hidden),
    order: entries(read.order, (one) => names(one)),
    panels: entries(read.panels, readPanel),
    expressions: names(read.expressions, EXPRESSIONS_MAX).filter((text) => parse(text).ok),
  };
}

/** What a panel shows. Its id begins with what it is, so that a metric may be named like an expression. */
export interface Panel {
  id: string;
  kind: "metric" | "expression";
  /** The metric's name, or the expression's text. */
  text: string;
}

export const metricPanel = (name: string): Panel => ({ id: `m:${name}`, kind: "metric", text: name });
export const expressionPanel = (text: string): Panel => ({ id: `e:${text}`, kind: "expression", text });

export interface Section {
  name: string;
  panels: Panel[];
}

export type Search = { ok: true; matches: (text: string) => boolean } | { ok: false; message: string };

/** A regular expression, whatever the case; one that is none is told. */
export function readSearch(text: string): Search {
  if (text.trim() === "") return { ok: true, matches: () => true };
  try {
    const pattern = new RegExp(text.trim(), "iu");
    return { ok: true, matches: (name) => pattern.test(name) };
  } catch (error) {
    const told = error instanceof Error ? error.message : "";
    const reason = told.slice(told.lastIndexOf(": ") + 1).trim();
    return { ok: false, message: reason === "" ? "Not a regular expression" : reason };
  }
}

const collator = new Intl.Collator("en", { numeric: true });

function inOrder(panels: readonly Panel[], order: readonly string[] | undefined): Panel[] {
  if (!order || order.length === 0) return [...panels];
  const places = new Map(order.map((id, place) => [id, place]));
  const place = (panel: Panel) => places.get(panel.id) ?? Number.POSITIVE_INFINITY;
  // Two that are in no order of one's own keep theirs.
  return [...panels].sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

/** A metric as far as sections need to know it. */
export interface NamedMetric {
  name: string;
  group?: string | null | undefined;
  label?: string | null | undefined;
}

/** What stands where: pinned panels first, then expressions, then metrics by section. */
export function sectionsOf(
  metrics: readonly NamedMetric[],
  layout: WorkspaceLayout,
  matches: (text: string) => boolean,
): Section[] {
  const hidden = new Set(layout.hidden);
  const pinned = new Set(layout.pinned);
  const bySection = new Map<string, Panel[]>();
  const every = new Map<string, Panel>();
  const add = (section: string, panel: Panel, text: string) => {
    if (hidden.has(panel.id) || !matches(text)) return;
    every.set(panel.id, panel);
    if (pinned.has(panel.id)) return;
    const list = bySection.get(section);
    if (list) list.push(panel);
    else bySection.set(section, [panel]);
  };
  for (const text of layout.expressions) add(EXPRESSIONS_SECTION, expressionPanel(text), text);
  for (const metric of metrics) {
    const text = metric.label ? `${metric.name} ${metric.label}` : metric.name;
    const { name, group } = metric;
    add(sectionOf(group ? { name, group } : { name }), metricPanel(name), text);
  }
  const top = layout.pinned.flatMap((id) => every.get(id) ?? []);
  const rank = (name: string) => (name === EXPRESSIONS_SECTION ? 0 : name === "metrics" ? 1 : 2);
  const rest = [...bySection]
    .map(([name, panels]): Section => {
      if (name !== EXPRESSIONS_SECTION) panels.sort((a, b) => collator.compare(a.text, b.text));
      return { name, panels: inOrder(panels, layout.order[name]) };
    })
    .sort((a, b) => rank(a.name) - rank(b.name) || collator.compare(a.name, b.name));
  return top.length > 0 ? [{ name: PINNED_SECTION, panels: top }, ...rest] : rest;
}

function moved(ids: readonly string[], id: string, place: number): string[] {
  const rest = ids.filter((one) => one !== id);
  rest.splice(Math.max(0, Math.min(rest.length, place)), 0, id);
  return rest;
}

/** The layout with a panel at another place of its section. */
export function withMoved(
  layout: WorkspaceLayout,
  section: Section,
  id: string,
  place: number,
): WorkspaceLayout {
  const ids = moved(
    section.panels.map((panel) => panel.id),
    id,
    place,
  ).slice(0, LIST_MAX);
  if (section.name !== PINNED_SECTION) {
    return { ...layout, order: { ...layout.order, [section.name]: ids } };
  }
  // Pinned panels that are not shown just now keep their place at the end.
  return { ...layout, pinned: [...ids, ...layout.pinned.filter((one) => !ids.includes(one))] };
}

function toggled(list: readonly string[], name: string): string[] {
  return list.includes(name) ? list.filter((one) => one !== name) : [...list, name].slice(-LIST_MAX);
}

export function withPinned(layout: WorkspaceLayout, id: string): WorkspaceLayout {
  return { ...layout, pinned: toggled(layout.pinned, id) };
}

/** Takes a panel away; an expression is gone, a metric can be brought back. */
export function withoutPanel(layout: WorkspaceLayout, panel: Panel): WorkspaceLayout {
  const pinned = layout.pinned.filter((id) => id !== panel.id);
  if (panel.kind === "expression") {
    return { ...layout, pinned, expressions: layout.expressions.filter((text) => text !== panel.text) };
  }
  return { ...layout, pinned, hidden: toggled(layout.hidden, panel.id) };
}

export function withExpression(layout: WorkspaceLayout, text: string): WorkspaceLayout {
  if (layout.expressions.includes(text)) return layout;
  return { ...layout, expressions: [...layout.expressions, text].slice(-EXPRESSIONS_MAX) };
}

/** Sections start folded from this place on when there are many: nobody reads hundreds at once. */
const OPEN_SECTIONS = 8;

export function isFolded(layout: WorkspaceLayout, section: string, place: number): boolean {
  if (layout.folded.includes(section)) return true;
  return place >= OPEN_SECTIONS && !layout.unfolded.includes(section);
}

export function withFolded(layout: WorkspaceLayout, section: string, folded: boolean): WorkspaceLayout {
  const without = (list: readonly string[]) => list.filter((name) => name !== section);
  return {
    ...layout,
    folded: folded ? [...without(layout.folded), section] : without(layout.folded),
    unfolded: folded ? without(layout.unfolded) : [...without(layout.unfolded), section],
  };
}

export function withPanel(layout: WorkspaceLayout, id: string, panel: PanelLayout): WorkspaceLayout {
  const { width, height, y } = readPanel({
    ...panel,
    width: Math.min(PANEL_WIDTH_MAX, Math.max(1, panel.width)),
    height: Math.min(PANEL_HEIGHT_MAX, Math.max(1, panel.height)),
  });
  const { [id]: _, ...panels } = layout.panels;
  // What is as all are is not kept.
  if (width === 1 && height === 1 && !y) return { ...layout, panels };
  return { ...layout, panels: { ...panels, [id]: { width, height, ...(y && { y }) } } };
}
