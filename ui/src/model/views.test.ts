import { describe, expect, it } from "vitest";
import { CHARTS_MAX, type RunsSearch, readRunsSearch } from "./search";
import { opened, readViewBody, sameContent, type ViewDocument, viewBody, viewStanding } from "./views";

const search = readRunsSearch({
  query: "state = finished",
  cols: "metrics.loss,state",
  pins: "state",
  widths: "metrics.loss:200",
  split: "40",
  show: "both",
  top: 20,
  on: "a,b",
});
/** Larger than any address takes. */
const charts = {
  version: 1,
  hidden: Array.from({ length: 2000 }, (_, i) => `m:a/metric/with/a/long/name/${i}`),
};
const content = { search, charts };
const stored: ViewDocument = {
  id: "v1",
  project: null,
  name: "Mine",
  owner: "me",
  revision: 3,
  updated_at: 0,
  body: JSON.parse(JSON.stringify(viewBody(content))),
};

describe("a view", () => {
  it("brings back all it was saved with", () => {
    expect(readViewBody(stored.body)).toEqual(content);
    expect(Object.keys(search)).toHaveLength(8);
    expect(JSON.stringify(charts).length).toBeGreaterThan(CHARTS_MAX);
  });

  it("does not hold the view it was made from", () => {
    const from = { ...search, view: "other", rev: 2, charts: { version: 1 } };
    expect(viewBody({ search: from, charts }).search).toEqual(search);
  });

  it("saved by an earlier version has the layout among its state", () => {
    const old = { version: 1, search: { ...search, charts: { version: 1, pinned: ["m:loss"] } } };
    expect(readViewBody(old)).toEqual({ search, charts: { version: 1, pinned: ["m:loss"] } });
  });

  it("of a newer version, or none at all, is refused", () => {
    expect(readViewBody({ version: 2, search: {} })).toBeUndefined();
    expect(readViewBody("text")).toBeUndefined();
    expect(readViewBody(null)).toBeUndefined();
  });

  it("drops what has no meaning", () => {
    expect(readViewBody({ version: 1, search: { state: "sleeping", split: "wide", charts: [1] } })).toEqual({
      search: {},
      charts: undefined,
    });
  });
});

describe("standing", () => {
  const at = (search: RunsSearch, layout: unknown = charts) =>
    viewStanding({ search, charts: layout }, stored);
  it("tells saved, changed and outdated apart", () => {
    expect(at(opened(stored, search))).toEqual({ kind: "saved" });
    expect(at({ ...opened(stored, search), sort: "name" })).toEqual({ kind: "changed" });
    expect(at(opened(stored, search), { ...charts, hidden: [] })).toEqual({ kind: "changed" });
    const older = { ...search, sort: "name", view: "v1", rev: 2 };
    expect(at(older)).toEqual({ kind: "outdated", revision: 3 });
    expect(at(search)).toEqual({ kind: "none" });
  });

  it("does not depend on the order of words, nor on what the address holds of the layout", () => {
    const same = (a: RunsSearch, b: RunsSearch, one?: unknown, other?: unknown) =>
      sameContent({ search: a, charts: one }, { search: b, charts: other });
    const changed: RunsSearch = { query: "b", sort: "a" };
    expect(same({ sort: "a", query: "b" }, { ...changed, charts: { a: 1 } })).toBe(true);
    expect(same({}, {}, { a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(same({}, {}, { a: [1, 2] }, { a: [2, 1] })).toBe(false);
  });
});
