/** Tables of text, written as CSV, Markdown and LaTeX. */

export interface TextTable {
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** Text that a spreadsheet would run as a formula is kept text; numbers stay numbers. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** As RFC 4180 has it, lines ended by CRLF. */
export function toCsv(table: TextTable): string {
  return [table.head, ...table.rows].map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}

/** What Markdown would read as markup is taken as it stands. */
export function markdownText(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#~$]/g, "\\$&").replace(/\s*\n\s*/g, " ");
}

/** A table of GitHub's Markdown; columns after the first are aligned to the right. */
export function toMarkdown(table: TextTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(markdownText).join(" | ")} |\n`;
  const rule = `| ${table.head.map((_, i) => (i === 0 ? ":--" : "--:")).join(" | ")} |\n`;
  return line(table.head) + rule + table.rows.map(line).join("");
}

const LATEX: Record<string, string> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  $: "\\$",
  "&": "\\&",
  "%": "\\%",
  "#": "\\#",
  _: "\\_",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "±": "$\\pm$",
  "\u2212": "$-$",
  "–": "--",
  "∞": "$\\infty$",
  "★": "$\\star$",
  "↑": "$\\uparrow$",
  "↓": "$\\downarrow$",
  "\u202f": "\\,",
};

export function latexText(text: string): string {
  return [...text.replace(/\s*\n\s*/g, " ")].map((one) => LATEX[one] ?? one).join("");
}

/** A `tabular` with the rules of the booktabs package. */
export function toLatex(table: TextTable): string {
  const line = (cells: readonly string[]) => `  ${cells.map(latexText).join(" & ")} \\\\\n`;
  const align = table.head.map((_, i) => (i === 0 ? "l" : "r")).join("");
  const rows = table.rows.map(line).join("");
  return `\\begin{tabular}{${align}}\n  \\toprule\n${line(table.head)}  \\midrule\n${rows}  \\bottomrule\n\\end{tabular}\n`;
}
