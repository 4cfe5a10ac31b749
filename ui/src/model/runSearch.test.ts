import { describe, expect, it } from "vitest";
import { readRunPageSearch } from "./runSearch";

describe("readRunPageSearch", () => {
  it("keeps what has a meaning", () => {
    const search = { tab: "logs", attempt: 2, stream: "stderr", at: 120, find: "error" };
    expect(readRunPageSearch({ ...search, at: "120", other: "" })).toEqual(search);
    // A text that looks like a number arrives as one.
    expect(readRunPageSearch({ tab: "logs", find: 42 })).toEqual({ tab: "logs", find: "42" });
  });
  it("drops what has none", () => {
    const mangled = { tab: "nope", attempt: 0, stream: "stdin", at: -1, find: "", file: {} };
    expect(readRunPageSearch(mangled)).toEqual({});
  });
});
