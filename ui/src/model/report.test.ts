import { describe, expect, it } from "vitest";
import {
  fileName,
  isWritable,
  newPanel,
  PANEL_KINDS,
  readBlocks,
  readPanel,
  reportRuns,
  writeBlocks,
} from "./report";
import { type Edit, type Editing, edited, startEditing } from "./reportEdit";

const BODY = {
  version: 1,
  blocks: [
    { type: "markdown", text: "# Hello" },
    {
      type: "panel",
      panel: { kind: "charts", runs: ["a", "b", "a"], metrics: ["loss"], axis: "step", logY: true },
    },
    { type: "panel", panel: { kind: "hologram", depth: 3 } },
  ],
};

describe("an analysis in a report", () => {
  it("keeps where its runs come from and what is drawn", () => {
    const state = { version: 1, kind: "bars" };
    const panel = { kind: "analysis", source: "query", query: "state = finished", runs: [], state };
    expect(readPanel(panel)).toEqual(panel);
    expect(readPanel({ kind: "analysis", source: "x", runs: ["a", "a"], state: 3 })).toEqual({
      kind: "analysis",
      source: "runs",
      query: "",
      runs: ["a"],
      state: {},
    });
  });
});

describe("a stored report", () => {
  it("reads blocks, and keeps what it does not know", () => {
    const blocks = readBlocks(BODY);
    expect(blocks.map((block) => block.type)).toEqual(["markdown", "panel", "unknown"]);
    expect(reportRuns(blocks)).toEqual(["a", "b"]);
    expect(writeBlocks(blocks).blocks[2]).toEqual(BODY.blocks[2]);
  });

  it("comes back as it was written", () => {
    const blocks = readBlocks(BODY);
    expect(readBlocks(JSON.parse(JSON.stringify(writeBlocks(blocks))))).toEqual(blocks);
  });

  it("survives any JSON", () => {
    for (const body of [null, 3, [], {}, { blocks: "x" }, { blocks: [null, 1, { type: "panel" }] }]) {
      expect(readBlocks(body).every((block) => block.type === "unknown")).toBe(true);
    }
    expect(isWritable({ version: 2 })).toBe(false);
    expect(isWritable(BODY)).toBe(true);
  });

  it("bounds panels", () => {
    expect(readPanel({ kind: "runs", limit: 1e9 })).toMatchObject({ limit: 100, query: "" });
    expect(readPanel({ kind: "evaluation", chart: "odd", label: 3 })).toEqual({
      kind: "evaluation",
      runs: [],
      chart: "roc",
    });
    for (const kind of PANEL_KINDS) expect(newPanel(kind, ["a"]).kind).toBe(kind);
  });

  it("names files without what file systems refuse", () => {
    expect(fileName("Café: 1/2 ../x", "html")).toBe("cafe-1-2-x.html");
    expect(fileName("///", "html")).toBe("report.html");
  });
});

describe("editing", () => {
  const start = startEditing({ name: "R", blocks: readBlocks(BODY) });
  const run = (edits: Edit[], state: Editing = start) => edits.reduce(edited, state);
  const keys = (state: Editing) => state.now.blocks.map((block) => block.key);

  it("adds after a block and at the start", () => {
    const state = run([
      { type: "add", after: "b0", block: { text: "x" } },
      { type: "add", after: undefined, block: { panel: newPanel("config", ["a"]) } },
    ]);
    expect(keys(state)).toEqual(["n1", "b0", "n0", "b1", "b2"]);
  });

  it("moves and removes, each one step back", () => {
    const state = run([
      { type: "move", key: "b2", to: 0 },
      { type: "remove", key: "b0" },
    ]);
    expect(keys(state)).toEqual(["b2", "b1"]);
    expect(keys(run([{ type: "undo" }], state))).toEqual(["b2", "b0", "b1"]);
    expect(keys(run([{ type: "undo" }, { type: "undo" }, { type: "undo" }], state))).toEqual([
      "b0",
      "b1",
      "b2",
    ]);
    expect(keys(run([{ type: "undo" }, { type: "redo" }], state))).toEqual(["b2", "b1"]);
    // A move to where it stands is no step.
    expect(run([{ type: "move", key: "b0", to: 0 }])).toBe(start);
  });

  it("takes typing in one block as one step", () => {
    const type = (text: string): Edit => ({ type: "text", key: "b0", text });
    const state = run([type("a"), type("ab"), { type: "name", name: "S" }, type("abc")]);
    expect(state.past).toHaveLength(3);
    const back = run([{ type: "undo" }], state);
    expect(back.now.blocks[0]).toMatchObject({ text: "ab" });
    // A step after an undo forgets what was undone.
    expect(run([{ type: "remove", key: "b1" }], back).future).toEqual([]);
  });
});
