import { describe, expect, it } from "vitest";
import {
  causeBadge,
  differencesText,
  tellingReproduction,
  verdictBadge,
  verdictText,
  verdictTone,
} from "./reproduction";

const judged = (verdict: string, agreements: string[] = []) => ({
  verdict,
  tolerance: 1e-6,
  metrics: agreements.map((agreement) => ({ agreement })),
});

describe("the verdict of a reproduction", () => {
  it("says how many metrics diverged, of how many", () => {
    expect(verdictText(judged("diverged", ["identical", "diverged", "within_tolerance"]))).toBe(
      "1 metric of 3 diverged.",
    );
    expect(verdictText(judged("identical", ["identical", "identical"]))).toContain("All 2 metrics");
    expect(verdictText(judged("within_tolerance"))).toContain("1e−6");
  });
  it("is good only where numbers came out the same", () => {
    expect(["identical", "within_tolerance"].map(verdictTone)).toEqual(["good", "good"]);
    expect(["diverged", "failed"].map(verdictTone)).toEqual(["bad", "bad"]);
    expect(verdictTone("something of a later version")).toBe("warn");
    expect(verdictBadge("diverged")).toBe("not reproduced");
  });
  it("is that of the newest that has ended", () => {
    const list = [judged("running"), judged("diverged"), judged("identical")];
    expect(tellingReproduction(list)?.verdict).toBe("diverged");
    expect(tellingReproduction(list.slice(0, 1))?.verdict).toBe("running");
    expect(tellingReproduction([])).toBeUndefined();
  });
});

describe("the cause of a divergence", () => {
  it("is named in a few words, where there is one", () => {
    expect([null, "environment", "not_deterministic", "undecided"].map(causeBadge)).toEqual([
      undefined,
      "cause: environment",
      "not deterministic",
      "cause undecided",
    ]);
  });
  it("is shown with what differs, part by part, long lists counted", () => {
    const packages = Array.from({ length: 10 }, (_, index) => ({
      part: "environment",
      name: `p${index}`,
      was: "1.0.0",
      is: "1.0.1",
    }));
    const told = differencesText([...packages, { part: "machine", name: "gpus", was: null, is: "A" }]);
    expect(told.map(({ part }) => part)).toEqual(["environment", "machine"]);
    expect(told[0]?.text).toMatch(/^p0 was 1.0.0, is 1.0.1; .*p7 was 1.0.0, is 1.0.1; and 2 more$/);
    expect(told[1]?.text).toBe("gpus was none, is A");
  });
});
