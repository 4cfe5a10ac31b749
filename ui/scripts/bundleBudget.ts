/**
 * Adds up what a reader loads before the first page: the entry script, and what it imports without being
 * asked. A plugin of the build, which fails over the budget.
 */
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const BUDGET_BYTES = 250_000;

export function bundleBudget(): Plugin {
  return {
    name: "bundle-budget",
    apply: "build",
    writeBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
      const waiting: (string | undefined)[] = chunks
        .filter((chunk) => chunk.isEntry)
        .map((chunk) => chunk.fileName);
      const sizes = new Map<string, number>();
      while (waiting.length > 0) {
        const name = waiting.pop();
        const chunk = chunks.find((one) => one.fileName === name);
        if (!chunk || sizes.has(chunk.fileName)) continue;
        sizes.set(chunk.fileName, gzipSync(chunk.code, { level: 9 }).length);
        // Static imports only: `import("...")` is loaded when its page is.
        waiting.push(...chunk.imports);
      }
      const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
      if (total === 0) this.error("the build has no entry script");
      const listed = [...sizes].map(([name, size]) => `${name} ${size}`).join(", ");
      if (total > BUDGET_BYTES) {
        this.error(
          `the initial scripts have ${total} bytes in gzip, over the budget of ${BUDGET_BYTES}: ${listed}`,
        );
      }
      console.log(`initial scripts: ${total} bytes in gzip, budget ${BUDGET_BYTES}`);
    },
  };
}
