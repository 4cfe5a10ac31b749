import { describe, expect, it } from "vitest";
import {
  cloneExperiment,
  commandText,
  lineOf,
  readExperiment,
  startText,
  valueAt,
  writeAt,
  writeExperiment,
} from "./experimentText";

const TEXT = `# what we try
project: digits
name: trees
adapter: native # built in
params:
  # found by the sweep
  rounds: 80 # enough
  learning_rate: 1e-1
tags: {family: trees}
`;

describe("writing a value into the text", () => {
  it("keeps comments, order and everything else as it was", () => {
    expect(writeAt(TEXT, ["params", "rounds"], 120)).toBe(TEXT.replace("80", "120"));
    expect(writeAt(TEXT, ["params", "rounds"], 80)).toBe(TEXT);
  });

  it("puts a new key where people look for it", () => {
    const text = writeAt(writeAt(TEXT, ["seeds"], [1, 2, 3]), ["dataset", "name"], "iris");
    expect(Object.keys(readExperiment(text).values ?? {})).toEqual([
      "project",
      "name",
      "adapter",
      "dataset",
      "seeds",
      "params",
      "tags",
    ]);
    expect(text).toContain("seeds: [1, 2, 3]\n");
    expect(text).toContain("# what we try\nproject");
    expect(text).toContain("dataset:\n  name: iris\n");
  });

  it("takes what is left empty away with the last value", () => {
    const text = writeAt(TEXT, ["tags", "family"], undefined);
    expect(text).not.toContain("tags");
    expect(writeAt(text, ["tags", "family"], undefined)).toBe(text);
    expect(writeAt("a: 1\n", ["a"], undefined)).toBe("");
  });

  it("makes maps of nothing, of null and of plain values on the way", () => {
    expect(writeAt("", ["params", "deep", "x"], 1)).toBe("params:\n  deep:\n    x: 1\n");
    expect(readExperiment(writeAt("params:\nname: a\n", ["params", "x"], null)).values).toEqual({
      params: { x: null },
      name: "a",
    });
    expect(readExperiment(writeAt("params: 3\n", ["params", "x"], "y")).values).toEqual({
      params: { x: "y" },
    });
  });

  it("quotes text that would read as something else", () => {
    for (const value of ["true", "1", "null", "a: b", "", "yes # no", "[x]"]) {
      expect(valueAt(readExperiment(writeAt(TEXT, ["name"], value)).values, ["name"])).toBe(value);
    }
    expect(valueAt(readExperiment(writeAt("name: 'x'\n", ["name"], 5)).values, ["name"])).toBe(5);
  });

  it("leaves a text alone that cannot be read", () => {
    expect(writeAt("a: [", ["a"], 1)).toBe("a: [");
  });
});

describe("reading the text", () => {
  it("says where a mistake of YAML is", () => {
    const read = readExperiment("a: 1\nb: [1, 2\nc: 3\n");
    expect(read.values).toBeUndefined();
    expect(read.mistakes[0]?.line).toBeGreaterThan(1);
    expect(readExperiment("- a\n").mistakes[0]?.message).toBe("This must be keys and values");
    expect(readExperiment("a: 1\na: 2\n").values).toBeUndefined();
    expect(readExperiment("").values).toEqual({});
  });

  it("finds the line of a value, or of what is nearest above", () => {
    expect(lineOf(TEXT, ["params", "rounds"])).toBe(7);
    expect(lineOf(TEXT, ["tags", "other"])).toBe(9);
    expect(lineOf(TEXT, ["dataset", "name"])).toBeUndefined();
  });
});

describe("an experiment from a run", () => {
  const config = {
    project: "digits",
    name: "trees",
    adapter: "native@1.0.0",
    dataset: { name: "digits@1", rows: 120, split: { seed: 7, fractions: { train: 0.8, test: 0.2 } } },
    seeds: [1, 2],
    params: { rounds: 10, learning_rate: 0.2, exclude: [], l2: 1 },
    environment: { variables: { TOKEN: "[redacted]" } },
  };
  const file = { kind: "file", file: "e.yaml", line: 1, column: 1 };
  const origins = {
    project: file,
    name: file,
    adapter: file,
    "dataset.name": file,
    "dataset.rows": { kind: "smoke", adapter: "native" },
    "dataset.split.seed": file,
    "dataset.split.fractions.train": file,
    "dataset.split.fractions.test": file,
    seeds: file,
    "params.rounds": { kind: "smoke", adapter: "native" },
    "params.learning_rate": { kind: "override", text: "params.learning_rate=0.2" },
    "params.exclude": { kind: "adapter_default" },
    "params.l2": { kind: "adapter_default" },
    "environment.variables.TOKEN": file,
  };

  it("has what was written, without defaults, smoke settings and secrets", () => {
    const clone = cloneExperiment(config, origins);
    expect(readExperiment(clone.text).values).toEqual({
      project: "digits",
      name: "trees",
      adapter: "native@1.0.0",
      dataset: { name: "digits@1", split: { seed: 7, fractions: { train: 0.8, test: 0.2 } } },
      seeds: [1, 2],
      params: { learning_rate: 0.2 },
    });
    expect(clone.text).toContain("seeds: [1, 2]\n");
    expect(clone.notes).toEqual([
      "params.rounds was set by the smoke run; it has its default here",
      "environment.variables.TOKEN is a secret, which is not recorded: write it again",
    ]);
  });

  it("names data by its version instead of a path that means nothing elsewhere", () => {
    const config = { dataset: { name: "wine", path: "wine.csv", target: "cultivar" } };
    const clone = cloneExperiment(config, null, "wine@3");
    expect(readExperiment(clone.text).values).toEqual({ dataset: { name: "wine@3", target: "cultivar" } });
    expect(clone.notes).toEqual(["dataset.name is wine@3, as which wine.csv was registered"]);
    expect(readExperiment(cloneExperiment(config, null, null).text).values).toEqual(config);
  });

  it("has everything when no origins were recorded", () => {
    expect(readExperiment(cloneExperiment({ params: { a: 1 } }, null).text).values).toEqual({
      params: { a: 1 },
    });
  });
});

describe("texts to begin with and to take along", () => {
  it("start with what is known", () => {
    const start = {
      adapter: "forecast",
      project: "p",
      dataset: "sales",
      target: "y",
      ordered: true,
      task: undefined,
    };
    expect(readExperiment(startText(start)).values).toEqual({
      project: "p",
      name: "forecast",
      adapter: "forecast",
      dataset: {
        name: "sales",
        target: "y",
        split: { fractions: { train: 0.8, test: 0.2 }, order: ["train", "test"] },
      },
      seeds: [1],
    });
  });

  it("go to a shell as they are, whatever they say", () => {
    const command = commandText("a: 1\nEXPERIMENT\n", "smoke", "/data/it's");
    expect(command).toBe(
      "cd '/data/it'\\''s'\ncat > experiment.yaml <<'EXPERIMENT_'\na: 1\nEXPERIMENT\nEXPERIMENT_\nmlhub run experiment.yaml --smoke\n",
    );
  });

  it("are written in the usual order", () => {
    expect(
      Object.keys(
        readExperiment(writeExperiment({ tags: {}, other: 1, name: "a", project: "p" })).values ?? {},
      ),
    ).toEqual(["project", "name", "tags", "other"]);
  });
});
