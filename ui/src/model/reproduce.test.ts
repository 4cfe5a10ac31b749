import { describe, expect, it } from "vitest";
import { reproduceCommands } from "./reproduce";

describe("reproduceCommands", () => {
  const config = { project: "p" };
  it("goes from the commit and its patch to the config with the run's own seed", () => {
    const code = { commit: "abc", patch: "diff" };
    expect(reproduceCommands({ name: "a b", seed: 3, snapshot: { code, config } })).toBe(
      "git checkout abc\ngit apply 'a b.patch'\nmlhub run 'a b.yaml' --set 'seeds=[3]'",
    );
  });
  it("names no step that has nothing to go by", () => {
    expect(reproduceCommands({ name: "r", seed: null, snapshot: { config } })).toBe("mlhub run r.yaml");
    expect(reproduceCommands({ name: "r", seed: 1, snapshot: {} })).toBeUndefined();
  });
});
