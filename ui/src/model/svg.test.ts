import { describe, expect, it } from "vitest";
import type { Curve } from "./series";
import { chartSvg, escaped, type SvgChart } from "./svg";

const curve: Curve = {
  x: Float64Array.of(0, 1, 2, 3),
  y: Float64Array.of(1, Number.NaN, 3, 4),
  marks: [],
  exact: true,
};
const chart: SvgChart = {
  title: "loss <b>",
  width: 500,
  height: 300,
  x: [0, 3],
  y: [0, 4],
  logX: false,
  logY: false,
  xLabel: "step",
  xText: String,
  curves: [curve],
  lines: [{ label: 'run "1" & co', color: "#123456" }],
  colors: { background: "#fff", text: "#000", muted: "#666", grid: "#eee" },
  font: "sans-serif",
};

describe("chartSvg", () => {
  it("draws lines with gaps inside the frame", () => {
    const text = chartSvg(chart);
    const paths = [...text.matchAll(/<path d="([^"]+)" fill="none" stroke="#123456"/g)].map((m) => m[1]);
    // From the left edge at 64 to the right one at 484; a gap at x = 1.
    expect(paths).toEqual(["M64 200.5M344 89.5L484 34"]);
  });
  it("writes names as text, never as markup", () => {
    const text = chartSvg(chart);
    expect(text).toContain("<title>loss &lt;b&gt;</title>");
    expect(text).toContain("run &quot;1&quot; &amp; co");
    expect(text).not.toContain("<b>");
    expect(escaped("a\u0000b\u001b")).toBe("ab");
  });
  it("fills bands and shows the line before smoothing", () => {
    const band = { ...curve, low: curve.y, high: curve.y, raw: curve.y };
    const text = chartSvg({ ...chart, curves: [band] });
    const [, filled] = text.match(/<path d="([^"]+)" fill="#123456" fill-opacity="0.16"/) ?? [];
    // The edges are missing at x = 1: a band before it and one after it.
    expect(filled).toBe("M64 200.5L64 200.5ZM344 89.5L484 34L484 34L344 89.5Z");
    expect(text).toMatch(/stroke-opacity="0.28"/);
  });
  it("has round values on logarithmic axes", () => {
    const text = chartSvg({ ...chart, y: [0.5, 400], logY: true });
    const named = [...text.matchAll(/text-anchor="end" fill="#666">([^<]+)</g)].map((m) => m[1]);
    expect(named).toEqual(["1", "3", "10", "30", "100", "300"]);
    expect(text).not.toContain("NaN");
  });
  it("says how many lines its legend leaves out", () => {
    const lines = Array.from({ length: 60 }, (_, i) => ({ label: `r${i}`, color: "#000" }));
    expect(chartSvg({ ...chart, lines, curves: lines.map(() => curve) })).toContain("and 20 more lines");
  });
});
