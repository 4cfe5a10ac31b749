/**
 * Adds up what a reader loads before the first page: the scripts index.html names, and what those import
 * without being asked. Fails over the budget. Run after a build.
 */
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 250_000;
const dist = fileURLToPath(new URL("../dist", import.meta.url));

const html = readFileSync(join(dist, "index.html"), "utf8");
const tags = [...html.matchAll(/<(?:script|link)\b[^>]*>/g)].map(([tag]) => tag);
const entries = tags
  .filter((tag) => tag.includes('type="module"') || tag.includes('rel="modulepreload"'))
  .map((tag) => /(?:src|href)="([^"]+)"/.exec(tag)?.[1])
  .filter((path) => path !== undefined);
if (entries.length === 0) throw new Error("dist/index.html names no script: is it built?");

const sizes = new Map();
const waiting = entries.map((path) => path.replace(/^\//, ""));
while (waiting.length > 0) {
  const path = waiting.pop();
  if (sizes.has(path)) continue;
  const text = readFileSync(join(dist, path));
  sizes.set(path, gzipSync(text, { level: 9 }).length);
  // Static imports only: `import("...")` is loaded when its page is.
  for (const [, found] of text.toString().matchAll(/(?:from|import)\s*["'](\.[^"']+\.js)["']/g)) {
    waiting.push(normalize(join(dirname(path), found)));
  }
}

const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
for (const [path, size] of sizes) console.log(`${String(size).padStart(8)}  ${path}`);
console.log(`${String(total).padStart(8)}  initial scripts, gzip; budget ${BUDGET_BYTES}`);
if (total > BUDGET_BYTES) {
  console.error(`The initial scripts are ${total - BUDGET_BYTES} bytes over the budget.`);
  process.exit(1);
}
