import { describe, expect, it } from "vitest";
import {
  type ColumnSource,
  defaultColumns,
  discoverColumns,
  joinColumns,
  shownColumns,
  splitColumns,
  toggleColumn,
} from "./columns";
import { nextSort, readIds, readRunsSearch, readTab, toggleState } from "./search";

describe("runs search", () => {
  it("keeps what has a meaning and drops the rest", () => {
    const raw = {
      q: "lr",
      state: "failed,nope,running",
      sort: "metric:a/b",
      order: "asc",
      x: 1,
      grouped: "false",
    };
    expect(readRunsSearch(raw)).toEqual({
      q: "lr",
      state: "running,failed",
      sort: "metric:a/b",
      order: "asc",
      grouped: false,
    });
    expect(readRunsSearch({ sort: "drop table", order: "sideways", state: "", q: 7 })).toEqual({ q: "7" });
  });
  it("is the same after a round trip", () => {
    const once = readRunsSearch({ q: "a", state: "lost", sort: "created", order: "desc", cols: "metric:a" });
    expect(readRunsSearch({ ...once })).toEqual(once);
  });
  it("switches states in their usual order", () => {
    expect(toggleState(undefined, "failed")).toBe("failed");
    expect(toggleState("failed", "running")).toBe("running,failed");
    expect(toggleState("failed", "failed")).toBeUndefined();
  });
  it("sorts down, then up, then not", () => {
    const down = nextSort({}, "metric:a");
    const up = nextSort(down, "metric:a");
    expect([down.order, up.order, nextSort(up, "metric:a").sort]).toEqual(["desc", "asc", undefined]);
    expect(nextSort(up, "state")).toEqual({ sort: "state", order: "desc" });
  });
  it("reads runs to compare and tabs", () => {
    expect(readIds("a,,b, a")).toEqual(["a", "b"]);
    expect(readIds(undefined)).toEqual([]);
    expect(readTab("logs")).toBe("logs");
    expect(readTab("nonsense")).toBe("overview");
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
  const columns = discoverColumns(rows);

  it("come from the rows; metrics of the machine stay out", () => {
    const ids = columns.map((column) => column.id);
    expect(ids).toContain("param:lr");
    expect(ids).toContain("tag:stage");
    expect(ids).not.toContain("metric:system/cpu");
  });
  it("sort evaluated metrics by what was evaluated", () => {
    expect(columns.find((c) => c.id === "metric:test/accuracy")?.sort).toBe("evaluated:test/accuracy");
    expect(columns.find((c) => c.id === "metric:loss")?.sort).toBe("metric:loss");
  });
  it("default to headline metrics and the params that differ", () => {
    const ids = defaultColumns(columns, rows);
    expect(ids.indexOf("metric:test/accuracy")).toBeLessThan(ids.indexOf("metric:loss"));
    expect(ids).toContain("param:lr");
    expect(ids).not.toContain("param:depth");
  });
  it("follow the choice in the address, commas in names included", () => {
    const ids = ["metric:a,b", "param:50%2C"];
    expect(splitColumns(joinColumns(ids))).toEqual(ids);
    expect(toggleColumn(["metric:loss"], "param:lr")).toBe("metric:loss,param:lr");
    const shown = shownColumns(columns, "param:lr,field:state,metric:gone", rows);
    expect(shown.map((column) => column.id)).toEqual(["field:state", "param:lr"]);
  });
});
