import { describe, expect, it } from "vitest";
import { columnOf } from "./columns";
import { complete, type Known, knownValues, taken } from "./complete";
import { paramOperand, tagOperand } from "./language";

const known: Known = {
  columns: [
    "metrics.loss",
    'metrics."val loss"',
    "eval.test.accuracy",
    "params.lr",
    "params.optimizer",
  ].flatMap((id) => columnOf(id) ?? []),
  values: new Map([["params.optimizer", ["adam", "it's odd"]]]),
};

/** Options where `|` stands. */
function at(text: string): string[] {
  const caret = text.indexOf("|");
  return complete(text.replace("|", ""), caret, known).options.map((option) => option.text);
}

describe("completions", () => {
  it("offer fields where a condition begins", () => {
    expect(at("|")).toEqual(expect.arrayContaining(["metrics.loss", "params.lr", "state", "not"]));
    expect(at("state = running and par|")).toEqual(["params.lr", "params.optimizer"]);
    expect(at("not (metrics.l|")[0]).toBe("metrics.loss");
  });
  it("find names without their kind, and names in quotes", () => {
    expect(at("acc|")).toContain("eval.test.accuracy");
    expect(at("val|")[0]).toBe('metrics."val loss"');
    expect(at('metrics."v|')).toEqual(['metrics."val loss"']);
  });
  it("offer signs after a name and values after a sign", () => {
    expect(at("metrics.loss |")).toEqual(expect.arrayContaining(["<", "is null", "and"]));
    expect(at("state = |")).toEqual(expect.arrayContaining(["running", "finished"]));
    expect(at("state in (running, f|")).toEqual(["finished", "failed"]);
    expect(at("params.optimizer != |")).toEqual(["adam", "'it\\'s odd'"]);
    expect(at("created > |")).toContain("-7d");
  });
  it("offer joints after a value, and nothing inside of what is done", () => {
    expect(at("metrics.loss < 0.5 |")).toEqual(["and", "or"]);
    expect(at("max(metrics.loss) |")).toContain(">=");
    expect(at("(state = running) o|")).toEqual(["or"]);
    expect(at("params.lr is null |")).toEqual(["and", "or"]);
    expect(at("state in (running) |")).toEqual(["and", "or"]);
  });
  it("replace the word before the caret and leave the rest", () => {
    const text = "metr and state = running";
    const found = complete(text, 4, known);
    const option = found.options.find((one) => one.text === "metrics.loss");
    if (!option) throw new Error("metrics.loss was not offered");
    expect(taken(text, found, option)).toEqual({ text: "metrics.loss and state = running", caret: 13 });
    const open = complete("", 0, known);
    expect(taken("", open, { text: "max(metrics.", kind: "function", detail: "" })).toEqual({
      text: "max(metrics.",
      caret: 12,
    });
  });
  it("know the values that runs have", () => {
    const run = { experiment: "e", project: "p", owner: "", adapter: "native", dataset: null };
    const values = knownValues(
      [
        { ...run, params: { lr: "1" }, tags: { a: "x" } },
        { ...run, params: { lr: "0.1" }, tags: {} },
      ],
      { param: paramOperand, tag: tagOperand },
    );
    expect(values.get("params.lr")).toEqual(["0.1", "1"]);
    expect(values.get("tags.a")).toEqual(["x"]);
    expect(values.get("adapter")).toEqual(["native"]);
    expect(values.has("owner")).toBe(false);
  });
});
