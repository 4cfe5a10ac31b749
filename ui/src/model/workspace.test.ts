import { describe, expect, it } from "vitest";
import {
  drawnSettings,
  EMPTY_LAYOUT,
  expressionPanel,
  isFolded,
  metricPanel,
  readLayout,
  readRange,
  readSearch,
  type Section,
  sectionsOf,
  type WorkspaceLayout,
  withExpression,
  withFolded,
  withMoved,
  withoutPanel,
  withPanel,
  withPinned,
} from "./workspace";

const all = () => true;
const shape = (sections: readonly Section[]) =>
  sections.map(({ name, panels }) => [name, ...panels.map((panel) => panel.text)]);

describe("how groups are drawn", () => {
  const auto = readLayout({ version: 1 }).settings;
  it("follows the page until the reader chooses", () => {
    expect(drawnSettings(auto, true).band).toBe("std");
    expect(drawnSettings(auto, false).band).toBe("none");
    const each = readLayout({ version: 1, settings: { band: "none" } }).settings;
    expect(drawnSettings(each, true).band).toBe("none");
    expect(drawnSettings({ ...auto, band: "range" }, false).band).toBe("range");
  });
});

describe("readLayout", () => {
  const kept: WorkspaceLayout = {
    version: 1,
    settings: {
      axis: "wall",
      logX: true,
      logY: true,
      smoothing: 0.5,
      band: "std",
      clip: true,
      superseded: true,
    },
    folded: ["a"],
    unfolded: ["b"],
    pinned: ["m:loss"],
    hidden: ["m:x"],
    order: { metrics: ["m:b", "m:a"] },
    panels: { "m:loss": { width: 2, height: 3, y: [0, 1] } },
    expressions: ["a - b"],
  };
  it("brings back what was kept", () => {
    expect(readLayout(JSON.parse(JSON.stringify(kept)))).toEqual(kept);
  });
  it("takes nothing that means nothing", () => {
    for (const odd of [undefined, null, 3, "x", [], { version: 9, pinned: ["m:x"] }]) {
      expect(readLayout(odd)).toEqual(EMPTY_LAYOUT);
    }
    expect(
      readLayout({
        version: 1,
        settings: { axis: "sideways", smoothing: 7, band: "wide", clip: "yes" },
        folded: "all",
        pinned: [1, "m:a", "m:a", "x".repeat(1000)],
        order: { s: [null, "m:a"] },
        panels: { "m:a": { width: 99, height: -1, y: [3, 1] }, "m:b": null },
        expressions: ["a +", "a + 1"],
      }),
    ).toEqual({
      ...EMPTY_LAYOUT,
      pinned: ["m:a"],
      order: { s: ["m:a"] },
      panels: { "m:a": { width: 1, height: 1 }, "m:b": { width: 1, height: 1 } },
      expressions: ["a + 1"],
    });
  });
  it("reads only ranges that have a width", () => {
    expect([readRange([0, 1]), readRange([1, 1]), readRange([0, "1"]), readRange([Number.NaN, 1])]).toEqual([
      [0, 1],
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("sectionsOf", () => {
  const metrics = ["val/loss", "loss", "val/acc", "layer10/w", "layer2/w"].map((name) => ({ name }));

  it("tells metrics apart by prefix, in an order people expect", () => {
    expect(shape(sectionsOf(metrics, EMPTY_LAYOUT, all))).toEqual([
      ["metrics", "loss"],
      ["layer2", "layer2/w"],
      ["layer10", "layer10/w"],
      ["val", "val/acc", "val/loss"],
    ]);
  });
  it("puts pinned panels on top and leaves hidden ones out", () => {
    let layout = withPinned(EMPTY_LAYOUT, "m:val/loss");
    layout = withoutPanel(layout, metricPanel("loss"));
    layout = withExpression(layout, "loss * 2");
    expect(shape(sectionsOf(metrics, layout, all)).slice(0, 2)).toEqual([
      ["pinned", "val/loss"],
      ["expressions", "loss * 2"],
    ]);
    expect(shape(sectionsOf(metrics, layout, all)).flat()).not.toContain("loss");
    expect(withoutPanel(layout, metricPanel("loss")).hidden).toEqual([]);
    expect(withoutPanel(layout, expressionPanel("loss * 2")).expressions).toEqual([]);
    expect(withPinned(layout, "m:val/loss").pinned).toEqual([]);
  });
  it("searches by regular expression, in names and labels", () => {
    const search = readSearch("^VAL/.*s$");
    expect(search.ok && shape(sectionsOf(metrics, EMPTY_LAYOUT, search.matches))).toEqual([
      ["val", "val/loss"],
    ]);
    expect(readSearch("(")).toMatchObject({ ok: false });
    expect(readSearch("  ").ok).toBe(true);
  });
  it("moves a panel within its section, and one that came later follows", () => {
    const [section] = sectionsOf(metrics, EMPTY_LAYOUT, (name) => name.startsWith("val"));
    const layout = withMoved(EMPTY_LAYOUT, section as Section, "m:val/loss", 0);
    const more = [...metrics, { name: "val/aaa" }];
    const found = sectionsOf(more, layout, (name) => name.startsWith("val"));
    expect(shape(found)).toEqual([["val", "val/loss", "val/acc", "val/aaa"]]);
  });
  it("moves pinned panels too, and forgets none that is not shown", () => {
    const layout = { ...EMPTY_LAYOUT, pinned: ["m:loss", "m:gone", "m:val/acc"] };
    const [section] = sectionsOf(metrics, layout, all);
    expect(withMoved(layout, section as Section, "m:val/acc", 0).pinned).toEqual([
      "m:val/acc",
      "m:loss",
      "m:gone",
    ]);
  });
});

describe("folding and sizes", () => {
  it("folds what was folded, and late sections until they are unfolded", () => {
    expect([isFolded(EMPTY_LAYOUT, "a", 0), isFolded(EMPTY_LAYOUT, "a", 50)]).toEqual([false, true]);
    expect(isFolded(withFolded(EMPTY_LAYOUT, "a", false), "a", 50)).toBe(false);
    const folded = withFolded(EMPTY_LAYOUT, "a", true);
    expect(isFolded(folded, "a", 0)).toBe(true);
    expect(withFolded(folded, "a", false).folded).toEqual([]);
  });
  it("keeps sizes within bounds and drops what is as all are", () => {
    const wide = withPanel(EMPTY_LAYOUT, "m:a", { width: 9, height: 2 });
    expect(wide.panels).toEqual({ "m:a": { width: 4, height: 2 } });
    expect(withPanel(wide, "m:a", { width: 1, height: 1 }).panels).toEqual({});
  });
});
