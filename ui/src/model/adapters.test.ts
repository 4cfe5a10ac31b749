import { describe, expect, it } from "vitest";
import type { AdapterView } from "~/api/types";
import { capabilitiesOf, findAdapters } from "./adapters";

const adapter = (name: string, more: Partial<AdapterView> = {}): AdapterView => ({
  name,
  version: "1.0.0",
  source: "bundled",
  description: "",
  capabilities: ["train"],
  tasks: [],
  problem: null,
  schema: {},
  ...more,
});
const ALL = [
  adapter("xgboost", { version: "1.2.0", tasks: ["ranking"] }),
  adapter("xgboost", { version: "1.10.0" }),
  adapter("catboost", { capabilities: ["train", "predict"] }),
  adapter("mine", { problem: "no Python", capabilities: ["fly"] }),
];
const names = (filter: Parameters<typeof findAdapters>[1]) =>
  findAdapters(ALL, filter).map((one) => `${one.name} ${one.version}`);
const EVERY = { text: "", capability: undefined, brokenOnly: false };

describe("adapters", () => {
  it("come broken first, then by name with the newest version first", () => {
    expect(names(EVERY)).toEqual(["mine 1.0.0", "catboost 1.0.0", "xgboost 1.10.0", "xgboost 1.2.0"]);
  });
  it("are found by text, by what they can do, and by being broken", () => {
    expect(names({ ...EVERY, text: "rank" })).toEqual(["xgboost 1.2.0"]);
    expect(names({ ...EVERY, capability: "predict" })).toEqual(["catboost 1.0.0"]);
    expect(names({ ...EVERY, brokenOnly: true })).toEqual(["mine 1.0.0"]);
  });
  it("tell the usual capabilities first and unknown ones too", () => {
    expect(capabilitiesOf(ALL)).toEqual(["train", "predict", "fly"]);
  });
});
