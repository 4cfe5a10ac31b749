import { describe, expect, it } from "vitest";
import { readRunsSearch } from "./search";
import { opened, readViewBody, sameState, type ViewDocument, viewBody, viewStanding } from "./views";

const search = readRunsSearch({
  query: "state = finished",
  cols: "metrics.loss,state",
  pins: "state",
  widths: "metrics.loss:200",
  split: "40",
  show: "both",
  top: 20,
  on: "a,b",
  charts: { version: 1, panels: [{ metric: "loss" }] },
});
const stored: ViewDocument = {
  id: "v1",
  project: null,
  name: "Mine",
  owner: "me",
  revision: 3,
  updated_at: 0,
  body: JSON.parse(JSON.stringify(viewBody(search))),
};

describe("a view", () => {
  it("brings back all it was saved with", () => {
    expect(readViewBody(stored.body)).toEqual(search);
    expect(Object.keys(search)).toHaveLength(9);
  });

  it("does not hold the view it was made from", () => {
    expect(viewBody({ ...search, view: "other", rev: 2 }).search).toEqual(search);
  });

  it("of a newer version, or none at all, is refused", () => {
    expect(readViewBody({ version: 2, search: {} })).toBeUndefined();
    expect(readViewBody("text")).toBeUndefined();
    expect(readViewBody(null)).toBeUndefined();
  });

  it("drops what has no meaning", () => {
    expect(readViewBody({ version: 1, search: { state: "sleeping", split: "wide", charts: [1] } })).toEqual(
      {},
    );
  });
});

describe("standing", () => {
  it("tells saved, changed and outdated apart", () => {
    expect(viewStanding(opened(stored, search), stored)).toEqual({ kind: "saved" });
    expect(viewStanding({ ...opened(stored, search), sort: "name" }, stored)).toEqual({ kind: "changed" });
    expect(viewStanding({ ...search, sort: "name", view: "v1", rev: 2 }, stored)).toEqual({
      kind: "outdated",
      revision: 3,
    });
    expect(viewStanding(search, stored)).toEqual({ kind: "none" });
  });

  it("does not depend on the order of words", () => {
    expect(sameState({ sort: "a", query: "b" }, { query: "b", sort: "a", group: undefined })).toBe(true);
    expect(sameState({ charts: { a: 1, b: 2 } }, { charts: { b: 2, a: 1 } })).toBe(true);
    expect(sameState({ charts: { a: [1, 2] } }, { charts: { a: [2, 1] } })).toBe(false);
  });
});
