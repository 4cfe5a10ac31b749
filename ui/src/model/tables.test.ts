import { describe, expect, it } from "vitest";
import { latexText, toCsv, toLatex, toMarkdown } from "./tables";

const TABLE = { head: ["metric", "a|b"], rows: [["test/f1_macro", "0.9 ± 0.01"]] };

describe("tables as text", () => {
  it("writes CSV that no spreadsheet runs", () => {
    const rows = [
      ["=1+1", "-0.5", 'a "b", c'],
      ["-x", "1e-7", "two\nlines"],
    ];
    expect(toCsv({ head: ["x"], rows })).toBe('x\r\n\'=1+1,-0.5,"a ""b"", c"\r\n\'-x,1e-7,"two\nlines"\r\n');
  });

  it("writes Markdown in which names are no markup", () => {
    expect(toMarkdown(TABLE)).toBe("| metric | a\\|b |\n| :-- | --: |\n| test/f1\\_macro | 0.9 ± 0.01 |\n");
    expect(toMarkdown({ head: ["<img>"], rows: [] })).toContain("\\<img\\>");
  });

  it("writes LaTeX with its signs escaped", () => {
    expect(toLatex(TABLE)).toBe(
      "\\begin{tabular}{lr}\n  \\toprule\n  metric & a|b \\\\\n  \\midrule\n  test/f1\\_macro & 0.9 $\\pm$ 0.01 \\\\\n  \\bottomrule\n\\end{tabular}\n",
    );
    expect(latexText("50 % of \\x{y}")).toBe("50 \\% of \\textbackslash{}x\\{y\\}");
  });
});
