import { describe, expect, it } from "vitest";
import type { Comparison } from "~/api/types";
import { readPanel } from "./report";
import { fileStyle, htmlText, reportFile } from "./reportFile";
import { chosenMetrics, configPanelTable, metricsPanelTable, runsPanelTable } from "./reportTables";

const RULES = [
  { selector: ":root", declarations: "--space-1:4px" },
  { selector: ':root[data-theme="light"]', declarations: "--bg:white" },
  { selector: ':root[data-theme="dark"]', declarations: "--bg:black" },
  { selector: ".table th", declarations: "color:red" },
  { selector: ".nav, .brand", declarations: "color:blue" },
];

describe("the file of a report", () => {
  it("takes the tokens of both schemes and the rules of a report only", () => {
    const style = fileStyle(RULES);
    expect(style.split("\n").slice(0, 4)).toEqual([
      ":root{--space-1:4px}",
      ":root{--bg:white}",
      "@media screen and (prefers-color-scheme:dark){:root{--bg:black}}",
      ".table th{color:red}",
    ]);
    expect(style).not.toContain(".nav");
  });

  it("forbids scripts and everything from elsewhere, and escapes its title", () => {
    const html = reportFile({ title: "<b>&", style: "a{}</style>", body: "<p>x</p>" });
    expect(html).toContain("default-src 'none'");
    expect(html).toContain("<title>&lt;b&gt;&amp;</title>");
    expect(html.match(/<\/style>/g)).toHaveLength(1);
    expect(html).not.toMatch(/<script/i);
    expect(htmlText(`"'`)).toBe("&quot;&#39;");
  });
});

describe("tables of panels", () => {
  const row = (name: string, definition?: string) => ({
    name,
    direction: "maximize",
    values: [1],
    intervals: [null],
    ...(definition && { definition }),
  });
  const comparison = {
    runs: [{ id: "a", name: "one" }],
    metrics: [row("loss"), row("test/accuracy", "accuracy@1")],
    config: [],
    groups: [],
    warnings: [],
  } as unknown as Comparison;

  it("show the metrics chosen, else the evaluated ones", () => {
    expect(chosenMetrics(comparison.metrics, ["loss", "gone"]).map((one) => one.name)).toEqual(["loss"]);
    expect(chosenMetrics(comparison.metrics, []).map((one) => one.name)).toEqual(["test/accuracy"]);
    const panel = readPanel({ kind: "metrics", runs: ["a"], metrics: ["gone"] });
    if (panel?.kind !== "metrics") throw new Error("not a metrics panel");
    expect(metricsPanelTable(panel, comparison, []).notes).toContain("No run has gone.");
  });

  it("say when nothing differs and when not all is shown", () => {
    expect(configPanelTable({ kind: "config", runs: ["a"] }, comparison).notes[0]).toContain("the same");
    const panel = readPanel({ kind: "runs", columns: ["metrics.acc"], limit: 1 });
    if (panel?.kind !== "runs") throw new Error("not a table of runs");
    const run = { name: "one", state: "finished", created_at: 0, values: { "metrics.acc": 0.5 } };
    const { table, notes } = runsPanelTable(panel, [run] as never, 7);
    expect(table.rows[0]?.slice(0, 3)).toEqual(["one", "finished", "0.5000"]);
    expect(notes).toEqual(["The first 1 of 7 runs found."]);
  });
});
