import { describe, expect, it } from "vitest";
import {
  datasetOf,
  evaluatedMetrics,
  eventText,
  filesAt,
  keyMetrics,
  placesOf,
  readVerdict,
  runsOf,
  targetRows,
  targetText,
  usualPlace,
  verdictText,
} from "./registry";

const file = (path: string, kind = "file") => ({ path, kind });

describe("aliases and what is protected", () => {
  it("are one list: aliases before stages, those nobody has too", () => {
    const rows = targetRows({
      aliases: { latest_good: 2, champion: 3 },
      protections: { "stage:production": { size: { max_bytes: 1 } }, champion: {}, spare: {} },
    });
    expect(rows.map((row) => [row.target, row.version, row.rules !== undefined])).toEqual([
      ["champion", 3, true],
      ["latest_good", 2, false],
      ["spare", undefined, true],
      ["stage:production", undefined, true],
    ]);
    expect(rows.map((row) => row.isAlias)).toEqual([true, true, true, false]);
    expect(targetText("stage:production")).toBe("stage production");
  });
});

describe("key metrics", () => {
  it("are evaluated ones before logged ones, and never of the machine", () => {
    const runs = [
      { metrics: { loss: 1, "test/accuracy": 0.9, "system/cpu": 3 }, intervals: { "test/accuracy": {} } },
      { metrics: { loss: 1, "test/mcc": 0.8, lr: 1 }, intervals: { "test/mcc": {} } },
    ];
    expect(keyMetrics(runs, 3)).toEqual(["test/accuracy", "test/mcc", "loss"]);
    expect(keyMetrics(runs, 9)).toEqual(["test/accuracy", "test/mcc", "loss", "lr"]);
    expect(keyMetrics([], 3)).toEqual([]);
  });

  it("to rank by have a direction, and the well-known come first", () => {
    const metrics = [
      { name: "mcc", direction: "maximize" },
      { name: "log_loss", direction: "minimize" },
      { name: "accuracy", direction: "maximize" },
      { name: "rows", direction: "none" },
    ];
    expect(evaluatedMetrics([{ split: "test", state: "done", metrics }])).toEqual([
      "test/accuracy",
      "test/log_loss",
      "test/mcc",
    ]);
  });
});

describe("files", () => {
  const files = [file("a/model/w.bin", "model"), file("a/model/c.json", "model"), file("a/log.txt")];
  it("of a place are the file, those in the folder, or all", () => {
    expect(filesAt(files, "a/model").map((one) => one.path)).toEqual(["a/model/w.bin", "a/model/c.json"]);
    expect(filesAt(files, "a/log.txt")).toHaveLength(1);
    expect(filesAt(files, "a/mod")).toEqual([]);
    expect(filesAt(files, null)).toHaveLength(3);
  });

  it("offer folders before files", () => {
    expect(placesOf(files)).toEqual(["a/", "a/model/", "a/log.txt", "a/model/c.json", "a/model/w.bin"]);
  });

  it("usually meant are those of kind model", () => {
    expect(usualPlace(files)).toBe("a/model/");
    expect(usualPlace([file("m/x", "model"), file("n/y", "model")])).toBe("");
    expect(usualPlace([file("m/x", "model"), file("m/n/y", "model")])).toBe("m/");
    expect(usualPlace([file("top.bin", "model"), file("a/b")])).toBe("top.bin");
    expect(usualPlace([file("a/b")])).toBe("");
  });
});

describe("what a gate said", () => {
  const check = (outcome: string) => ({ rule: "threshold", subject: "test/accuracy", outcome, message: "m" });
  it("is read from answers, refusals and the trail", () => {
    expect(readVerdict(undefined)).toBeUndefined();
    expect(readVerdict(null)).toBeUndefined();
    expect(readVerdict({ checks: [] })).toBeUndefined();
    const read = readVerdict({ passed: false, checks: [check("passed"), check("failed"), check("new")] });
    // What is not known does not pass.
    expect(read?.checks.map((one) => one.outcome)).toEqual(["passed", "failed", "failed"]);
  });

  it("is summed up", () => {
    const text = (passed: boolean, ...outcomes: string[]) =>
      verdictText(readVerdict({ passed, checks: outcomes.map(check) }) ?? { passed, checks: [] });
    expect(text(false, "failed", "passed")).toBe("1 of 2 checks failed");
    expect(text(true, "passed")).toBe("1 check passed");
    expect(text(true, "passed", "warning")).toBe("2 checks passed, 1 with a warning");
  });
});

describe("the trail in words", () => {
  it.each([
    ["renamed", null, { from: "a", to: "b" }, "renamed it from “a” to “b”"],
    ["described", null, { to: "text" }, "described it"],
    ["described", 2, { to: "" }, "removed the description of version 2"],
    ["described", 2, { to: "text" }, "described version 2"],
    [
      "tagged",
      2,
      { tags: { a: { from: null, to: "1" }, b: { from: "1", to: null } } },
      "set a to “1”, removed b on version 2",
    ],
    ["alias_set", 3, { alias: "champion", from: 2, to: 3 }, "gave champion to version 3, from version 2"],
    ["alias_set", 3, { alias: "champion", from: null, to: 3 }, "gave champion to version 3"],
    ["alias_removed", 3, { alias: "champion", from: 3 }, "took champion from version 3"],
    [
      "stage_set",
      3,
      { from: "none", to: "production", archived: [1, 2] },
      "brought version 3 from stage none to production, and archived version 1, version 2",
    ],
    ["protected", null, { target: "stage:production", from: null }, "protected stage production"],
    ["protected", null, { target: "champion", from: {} }, "changed the rules of champion"],
    ["promotion_refused", 1, { target: "champion" }, "was refused champion for version 1"],
    ["status_set", 4, { to: "failed", message: "cut" }, "said that version 4 is failed: cut"],
    ["of_a_later_hub", 4, {}, "of_a_later_hub of version 4"],
  ])("%s", (action, version, detail, text) => {
    expect(eventText({ action, version, detail })).toBe(text);
  });
});

describe("what a version comes from", () => {
  it("names the dataset and its version", () => {
    expect(datasetOf("wine@3")).toEqual({ name: "wine", version: 3 });
    expect(datasetOf("a@b")).toEqual({ name: "a@b" });
    expect(datasetOf("wine")).toEqual({ name: "wine" });
  });

  it("is compared by its runs, each once", () => {
    const versions = [{ run: "a" }, { run: null, artifacts_run: "b" }, { run: "a" }, { run: null }];
    expect(runsOf(versions)).toEqual(["a", "b"]);
  });
});
