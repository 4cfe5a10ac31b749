import { describe, expect, it } from "vitest";
import {
  fallbackText,
  findFields,
  flatFields,
  readForm,
  readValue,
  same,
  Unreadable,
  writeValue,
} from "./schemaForm";

const SCHEMA = {
  type: "object",
  required: ["model"],
  properties: {
    rate: { type: "number", exclusiveMinimum: 0, maximum: 1, default: 0.1, "x-unit": "per step" },
    bits: { type: "integer", minimum: 8, maximum: 64, multipleOf: 8, default: 16 },
    kind: { enum: ["a", "b", null], default: null },
    early: { type: "boolean", default: false },
    exclude: { type: "array", items: { type: "string" }, maxItems: 3, default: [] },
    arguments: { type: "object", additionalProperties: true, default: {} },
    lora: {
      type: ["object", "null"],
      required: ["rank"],
      properties: { alpha: { type: "number" }, rank: { type: "integer", minimum: 1 } },
      default: null,
    },
    model: { type: "string", minLength: 1, description: "The class." },
  },
};

describe("fields of a schema", () => {
  const fields = readForm(SCHEMA);
  const byName = (name: string) => fields.find((one) => one.name === name);

  it("are in the schema's order, required ones first", () => {
    expect(fields.map((one) => one.name)).toEqual([
      "model",
      "rate",
      "bits",
      "kind",
      "early",
      "exclude",
      "arguments",
      "lora",
    ]);
    expect(byName("rate")?.path).toEqual(["params", "rate"]);
  });

  it("know their kind, range, unit, options and default", () => {
    expect(byName("rate")).toMatchObject({ kind: "number", range: "over 0 to 1", unit: "per step" });
    expect(byName("bits")).toMatchObject({ kind: "integer", range: "8 to 64, a multiple of 8" });
    expect(byName("kind")).toMatchObject({ kind: "choice", options: ["a", "b"], nullable: true });
    expect(byName("early")).toMatchObject({ kind: "choice", options: [true, false], nullable: false });
    expect(byName("exclude")).toMatchObject({ kind: "list", range: "at most 3 items" });
    expect(byName("arguments")?.kind).toBe("any");
    expect(byName("lora")).toMatchObject({ kind: "group", nullable: true });
    expect(byName("lora")?.fields.map((one) => one.path.join("."))).toEqual([
      "params.lora.rank",
      "params.lora.alpha",
    ]);
  });

  it("say their default in words", () => {
    const said = Object.fromEntries(flatFields(fields).map((one) => [one.name, fallbackText(one)]));
    expect(said).toMatchObject({
      model: "required",
      rate: "0.1",
      kind: "none",
      exclude: "none",
      alpha: "not set",
    });
  });

  it("are found by name and by help, in groups too", () => {
    expect(findFields(fields, "CLASS").map((one) => one.name)).toEqual(["model"]);
    expect(findFields(fields, "rank").map((one) => one.fields.map((inner) => inner.name))).toEqual([
      ["rank"],
    ]);
    expect(findFields(fields, "nothing")).toEqual([]);
    expect(findFields(fields, " ")).toHaveLength(fields.length);
  });

  it("of a schema that is none are none", () => {
    expect(readForm(null)).toEqual([]);
    expect(readForm({ properties: 3 })).toEqual([]);
  });
});

describe("values in fields", () => {
  it("come back as they were written", () => {
    const cases = [
      ["number", 1e-7],
      ["integer", -3],
      ["text", "true"],
      ["list", [1, 2.5, 3]],
      ["list", ["a", "b c"]],
      ["list", ["a,b", " c", "1"]],
      ["list", [true, "x"]],
      ["any", { a: [1, { b: null }] }],
      ["any", "text"],
      ["map", { a: "1", b: "two" }],
      ["map", { a: "1,2" }],
    ] as const;
    for (const [kind, value] of cases) {
      expect(readValue(kind, writeValue(kind, value as never)), `${kind} ${JSON.stringify(value)}`).toEqual(
        value,
      );
    }
  });

  it("that are no numbers stay text, so that the hub can say what is wrong", () => {
    expect(readValue("number", "fast")).toBe("fast");
    expect(readValue("number", "1e-4")).toBe(0.0001);
    expect(readValue("integer", "")).toBeUndefined();
  });

  it("that cannot be read say why", () => {
    expect(() => readValue("any", "{a: [")).toThrow(Unreadable);
    expect(() => readValue("map", "a=1, b")).toThrow("“b” is not name=value");
  });

  it("are the same whatever the order of keys", () => {
    expect(same({ a: 1, b: [1, { c: 2, d: 3 }] }, { b: [1, { d: 3, c: 2 }], a: 1 })).toBe(true);
    expect(same({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(same(undefined, null)).toBe(false);
  });
});
