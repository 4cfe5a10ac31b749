import { describe, expect, it } from "vitest";
import {
  type ColumnSource,
  columnOf,
  defaultColumns,
  discoverColumns,
  joinColumns,
  shownColumns,
  splitColumns,
  toggleColumn,
} from "./columns";
import { archivedQuery, DELETED, movedByChanges, ownHints, runsRequest } from "./request";
import { readDeletedSearch, readIds, readRunsSearch, readTab, toggleGroup, toggleState } from "./search";

describe("runs search", () => {
  it("keeps what has a meaning and drops the rest", () => {
    const raw = {
      query: "metrics.loss < 1",
      state: "failed,nope,running",
      sort: "metrics.a/b desc, params.lr",
      group: " params.lr ,",
      x: 1,
    };
    expect(readRunsSearch(raw)).toEqual({
      query: "metrics.loss < 1",
      state: "running,failed",
      sort: "metrics.a/b desc,params.lr",
      group: "params.lr",
    });
    expect(readRunsSearch({ sort: "", state: "", query: "" })).toEqual({});
  });
  it("takes a plain text to find as the language writes it", () => {
    expect(readRunsSearch({ q: "it's" })).toEqual({ query: "'it\\'s'" });
    expect(readRunsSearch({ q: 7 })).toEqual({ query: "'7'" });
  });
  it("is the same after a round trip", () => {
    const raw = {
      query: "a = 1",
      state: "lost",
      sort: "created desc,name",
      cols: "metrics.a",
      group: "adapter",
    };
    const once = readRunsSearch(raw);
    expect(readRunsSearch({ ...once })).toEqual(once);
    expect(once).toEqual(raw);
  });
  it("switches states in their usual order, and what is grouped by", () => {
    expect(toggleState(undefined, "failed")).toBe("failed");
    expect(toggleState("failed", "running")).toBe("running,failed");
    expect(toggleState("failed", "failed")).toBeUndefined();
    expect(toggleGroup("adapter", "params.lr")).toBe("adapter,params.lr");
    expect(toggleGroup("adapter", "adapter")).toBeUndefined();
  });
  it("reads runs to compare and tabs", () => {
    expect(readIds("a,,b, a")).toEqual(["a", "b"]);
    expect(readIds(undefined)).toEqual([]);
    expect(readTab("logs")).toBe("logs");
    expect(readTab("nonsense")).toBe("overview");
    expect(readDeletedSearch({ tab: "ledger", query: "a" })).toEqual({ tab: "ledger", query: "a" });
    expect(readDeletedSearch({ tab: "runs" })).toEqual({});
  });
});

describe("columns", () => {
  const rows: ColumnSource[] = [
    {
      metrics: { "test/accuracy": 0.9, loss: 1, "system/cpu": 3 },
      intervals: { "test/accuracy": {} },
      params: { lr: "1", depth: "3" },
      tags: { stage: "a" },
    },
    { metrics: { loss: 2 }, intervals: {}, params: { lr: "2", depth: "3" }, tags: {} },
  ];

  it("come from the runs; metrics of the machine stay out", () => {
    const ids = discoverColumns(rows).map((column) => column.id);
    expect(ids).toEqual(expect.arrayContaining(["params.lr", "tags.stage", "eval.test.accuracy"]));
    expect(ids).not.toContain("metrics.system/cpu");
  });
  it("default to headline metrics and the params that differ", () => {
    const ids = defaultColumns(rows);
    expect(ids.indexOf("eval.test.accuracy")).toBeLessThan(ids.indexOf("metrics.loss"));
    expect(ids).toContain("params.lr");
    expect(ids).not.toContain("params.depth");
    expect(ids).not.toContain("adapter");
    const rare: ColumnSource = {
      metrics: {},
      intervals: {},
      params: { rare: "1" },
      tags: {},
      adapter: "native",
    };
    const more = defaultColumns([...rows, rare]);
    expect(more).toContain("adapter");
    expect(more).not.toContain("params.rare");
  });
  it("follow the choice in the address, commas in names included", () => {
    const ids = ['metrics."a,b"', 'params."50%"'];
    expect(splitColumns(joinColumns(ids))).toEqual(ids);
    expect(toggleColumn(["metrics.loss"], "params.lr")).toBe("metrics.loss,params.lr");
    const shown = shownColumns("params.lr,state,max(metrics.loss),nonsense,state", rows);
    expect(shown.map((column) => column.id)).toEqual(["params.lr", "state", "max(metrics.loss)"]);
    expect(shown[2]?.label).toBe("max(loss)");
  });
  it("are nothing where the text is no operand", () => {
    expect(columnOf("metrics.")).toBeUndefined();
    expect(columnOf("drop table")).toBeUndefined();
  });
});

describe("the request to the hub", () => {
  const columns = ["state", "metrics.loss", "params.lr"].flatMap((id) => columnOf(id) ?? []);

  it("asks for the chosen columns in the chosen order", () => {
    const { request, shift } = runsRequest("p", { query: "a", sort: "state,created desc" }, columns, false);
    expect(request).toEqual({
      query: "tags.archived is null and (a)",
      project: "p",
      experiment: null,
      states: [],
      order: ["state", "created desc"],
      group_by: [],
      summarise: [],
      columns: ["state", "metrics.loss", "params.lr"],
    });
    expect(request.query.slice(shift)).toBe("a)");
  });
  it("leaves archived runs out unless they are wanted", () => {
    expect(runsRequest(undefined, {}, columns, false).request.query).toBe("tags.archived is null");
    const wanted = runsRequest(undefined, { query: "a", archived: "shown" }, columns, false);
    expect(wanted).toMatchObject({ request: { query: "a" }, shift: 0 });
    expect(archivedQuery({ query: "a" })).toBe("tags.archived is not null and (a)");
  });
  it("knows hints of the reader's own text, and what changes can move", () => {
    const hints = [{ position: 3 }, { position: 30 }];
    expect(ownHints(hints, 27, "abcdef")).toEqual([{ position: 3 }]);
    expect(ownHints(hints, 0, " ")).toEqual([]);
    const request = runsRequest(undefined, {}, columns, false).request;
    expect(movedByChanges(request)).toBe(false);
    expect(movedByChanges({ ...request, order: ["metrics.loss"] })).toBe(true);
    expect(movedByChanges(runsRequest(undefined, { query: "a" }, columns, false).request)).toBe(true);
  });
  it("summarises metrics when grouped, by one key that groups have", () => {
    const search = { group: "params.lr", sort: "name,metrics.loss desc" };
    const { request } = runsRequest(undefined, search, columns, false);
    expect(request).toMatchObject({
      group_by: ["params.lr"],
      summarise: ["metrics.loss"],
      order: ["metrics.loss desc"],
      columns: [],
    });
  });
  it("finds deleted runs only, the last deleted first", () => {
    const { request, shift } = runsRequest(undefined, { query: "seed = 1" }, columns, true);
    expect(request.query).toBe(`${DELETED} and (seed = 1)`);
    expect(request.query.slice(shift)).toBe("seed = 1)");
    expect(request.order).toEqual(["deleted desc"]);
  });
});
