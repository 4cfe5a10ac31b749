/** A report as one HTML file that needs neither a server nor a script. */

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function htmlText(text: string): string {
  return text.replace(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
}

/** A style rule of the page, as the browser knows it. */
export interface Rule {
  selector: string;
  declarations: string;
}

const LIGHT = ':root[data-theme="light"]';
const DARK = ':root[data-theme="dark"]';
/** What a report is made of; rules of other parts of the page stay behind. */
const KEPT =
  /^(\.report-|\.markdown|\.table|\.svg-chart|\.swatch|\.matrix|\.ramp|\.columns|\.row|\.stack|\.muted|\.faint|\.small|\.truncate|\.visually-hidden|\.num|code|pre|h[1-3]|p|ul|ol|a|figure|\*|dl|dd)/;

function kept(selector: string): boolean {
  return selector.split(",").some((one) => KEPT.test(one.trim()));
}

/**
 * The style of the file, taken from the page's own rules: light, and dark on dark screens;
 * on paper always light.
 */
export function fileStyle(rules: readonly Rule[]): string {
  const written = (selector: string, declarations: string) => `${selector}{${declarations}}`;
  const of = (selector: string) => rules.filter((rule) => rule.selector === selector);
  const plain = [...of(":root"), ...of(LIGHT)].map((rule) => written(":root", rule.declarations));
  const dark = of(DARK).map((rule) => written(":root", rule.declarations));
  const rest = rules
    .filter((rule) => !rule.selector.startsWith(":root") && kept(rule.selector))
    .map((rule) => written(rule.selector, rule.declarations));
  return [
    ...plain,
    `@media screen and (prefers-color-scheme:dark){${dark.join("")}}`,
    ...rest,
    "body{margin:0;background:var(--bg);color:var(--text);font:400 14px/1.6 var(--font)}",
    "main{max-width:960px;margin:0 auto;padding:32px 24px 64px}",
    "@media print{body{background:none}main{max-width:none;padding:0}}",
  ].join("\n");
}

/** The whole file. `body` is markup made by the renderer, which escapes every text. */
export function reportFile(file: { title: string; style: string; body: string }): string {
  // A closing tag inside a rule would end the style element; no rule of ours has one.
  const style = file.style.replaceAll("</", "<\\/");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${htmlText(file.title)}</title>
<style>
${style}
</style>
</head>
<body>
<main>
${file.body}
</main>
</body>
</html>
`;
}
