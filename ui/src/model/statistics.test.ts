import { describe, expect, it } from "vitest";
import { extent } from "./statistics";

describe("extent", () => {
  it("ignores gaps", () => {
    expect(extent([null, 3, undefined, -1, Number.NaN])).toEqual([-1, 3]);
    expect(extent([null])).toBeUndefined();
  });
});
