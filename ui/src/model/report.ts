/** A report: blocks of Markdown and of live panels, read from a stored document without trusting it. */

import { asArray, asObject, asText, type Json, type JsonObject } from "./json";
import { readIds } from "./search";
import { readAxis, type XAxis } from "./series";

/** A document as the hub stores it; `body` has the form its kind gives it. */
export interface StoredDocument {
  id: string;
  kind: string;
  project: string | null;
  name: string;
  owner: string;
  revision: number;
  created_at: number;
  updated_at: number;
  body: unknown;
}

export type DocumentHead = Omit<StoredDocument, "body">;

export interface ChartsPanel {
  kind: "charts";
  runs: string[];
  metrics: string[];
  axis: XAxis;
  logY: boolean;
}
export interface MetricsPanel {
  kind: "metrics";
  runs: string[];
  baseline?: string;
  by: "runs" | "groups";
  /** Only these; empty: the evaluated metrics, or all where none is. */
  metrics: string[];
}
export interface ConfigPanel {
  kind: "config";
  runs: string[];
  baseline?: string;
}
/** Runs a query finds, at the moment of looking. */
export interface RunsPanel {
  kind: "runs";
  query: string;
  project?: string;
  columns: string[];
  order: string[];
  limit: number;
}
export const EVALUATION_CHARTS = ["roc", "precision_recall", "calibration", "confusion"] as const;
export type EvaluationChart = (typeof EVALUATION_CHARTS)[number];
export interface EvaluationPanel {
  kind: "evaluation";
  runs: string[];
  chart: EvaluationChart;
  /** The class of a curve; absent: the first. */
  label?: string;
  split?: string;
}
/** Parallel coordinates, scatter or bars of many runs. */
export interface AnalysisPanel {
  kind: "analysis";
  /** Whether the runs are those listed, or those the query finds at the moment of looking. */
  source: "runs" | "query";
  runs: string[];
  query: string;
  project?: string;
  /** What is drawn; the charts choose what it does not say. */
  state: JsonObject;
}
export type ReportPanel =
  | ChartsPanel
  | MetricsPanel
  | ConfigPanel
  | RunsPanel
  | EvaluationPanel
  | AnalysisPanel;

/** `key` tells blocks apart while a page is open; it is not stored. */
export type ReportBlock =
  | { key: string; type: "markdown"; text: string }
  | { key: string; type: "panel"; panel: ReportPanel }
  /** What another version wrote: kept as it came, and said to be unknown. */
  | { key: string; type: "unknown"; raw: Json };

export const REPORT_VERSION = 1;
/** The hub takes names up to this length. */
export const NAME_MAX = 200;
export const PANEL_RUNS_MAX = 100;
export const PANEL_ROWS_MAX = 100;
/** Runs of an analysis at most. */
export const ANALYSIS_RUNS_MAX = 200;

function texts(value: unknown): string[] {
  return asArray(value).flatMap((one) => asText(one) ?? []);
}

function runsOf(panel: JsonObject): string[] {
  return readIds(texts(panel.runs).join(",")).slice(0, PANEL_RUNS_MAX);
}

function optional<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  const text = asText(value);
  return (text === undefined || text === "" ? {} : { [key]: text }) as { [P in K]?: string };
}

/** A panel; undefined when its kind is not known here. */
export function readPanel(value: unknown): ReportPanel | undefined {
  const panel = asObject(value);
  switch (panel.kind) {
    case "charts":
      return {
        kind: "charts",
        runs: runsOf(panel),
        metrics: texts(panel.metrics),
        axis: readAxis(panel.axis),
        logY: panel.logY === true,
      };
    case "metrics":
      return {
        kind: "metrics",
        runs: runsOf(panel),
        by: panel.by === "groups" ? "groups" : "runs",
        metrics: texts(panel.metrics),
        ...optional("baseline", panel.baseline),
      };
    case "config":
      return { kind: "config", runs: runsOf(panel), ...optional("baseline", panel.baseline) };
    case "runs": {
      const limit = Number(panel.limit);
      return {
        kind: "runs",
        query: asText(panel.query) ?? "",
        columns: texts(panel.columns),
        order: texts(panel.order),
        limit: Number.isInteger(limit) && limit > 0 ? Math.min(limit, PANEL_ROWS_MAX) : 20,
        ...optional("project", panel.project),
      };
    }
    case "evaluation":
      return {
        kind: "evaluation",
        runs: runsOf(panel),
        chart: EVALUATION_CHARTS.find((one) => one === panel.chart) ?? "roc",
        ...optional("label", panel.label),
        ...optional("split", panel.split),
      };
    case "analysis":
      return {
        kind: "analysis",
        source: panel.source === "query" ? "query" : "runs",
        runs: runsOf(panel),
        query: asText(panel.query) ?? "",
        state: asObject(panel.state),
        ...optional("project", panel.project),
      };
    default:
      return undefined;
  }
}

function readBlock(value: Json, key: string): ReportBlock {
  const block = asObject(value);
  if (block.type === "markdown" && typeof block.text === "string") {
    return { key, type: "markdown", text: block.text };
  }
  const panel = block.type === "panel" ? readPanel(block.panel) : undefined;
  return panel ? { key, type: "panel", panel } : { key, type: "unknown", raw: value };
}

/** Blocks of a stored body. */
export function readBlocks(body: unknown): ReportBlock[] {
  return asArray(asObject(body).blocks).map((block, i) => readBlock(block, `b${i}`));
}

/** Whether this page may write the body back without losing anything. */
export function isWritable(body: unknown): boolean {
  const { version } = asObject(body);
  return version === undefined || version === REPORT_VERSION;
}

/** The body to store. */
export function writeBlocks(blocks: readonly ReportBlock[]): { version: number; blocks: unknown[] } {
  const written = blocks.map((block) => {
    if (block.type === "unknown") return block.raw;
    return block.type === "markdown"
      ? { type: "markdown", text: block.text }
      : { type: "panel", panel: block.panel };
  });
  return { version: REPORT_VERSION, blocks: written };
}

/** Runs a report names, each once. */
export function reportRuns(blocks: readonly ReportBlock[]): string[] {
  return [
    ...new Set(
      blocks.flatMap((block) =>
        block.type === "panel" && block.panel.kind !== "runs" ? block.panel.runs : [],
      ),
    ),
  ];
}

const TITLES: Record<ReportPanel["kind"], string> = {
  charts: "Curves",
  metrics: "Metrics",
  config: "Config differences",
  runs: "Table of runs",
  evaluation: "Evaluation",
  analysis: "Analysis",
};

export const PANEL_KINDS = Object.keys(TITLES) as ReportPanel["kind"][];

export function panelTitle(kind: ReportPanel["kind"]): string {
  return TITLES[kind];
}

/** A few words that name a block: the first line of a text, the kind of a panel. */
export function blockTitle(block: ReportBlock): string {
  if (block.type === "unknown") return "Unknown block";
  if (block.type === "markdown") {
    const line = block.text.split("\n").find((one) => one.trim() !== "");
    return line?.replace(/^[#>*\-\s]+/, "").slice(0, 80) || "Empty text";
  }
  const { panel } = block;
  return panel.kind === "charts" && panel.metrics.length > 0
    ? `${panelTitle(panel.kind)}: ${panel.metrics.join(", ")}`
    : panelTitle(panel.kind);
}

/** A panel of a kind as it is when it is added. */
export function newPanel(kind: ReportPanel["kind"], runs: readonly string[]): ReportPanel {
  const panel = readPanel({ kind, runs });
  if (!panel) throw new Error(`no panel of kind ${kind}`);
  return panel;
}

/** A file name made of a report's name: letters, digits and dashes. */
export function fileName(name: string, extension: string): string {
  const plain = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 80);
  return `${plain || "report"}.${extension}`;
}
