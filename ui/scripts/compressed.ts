/** Puts each script and style beside itself in gzip, so that the hub compresses none of them when it is asked. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const NAMES = /^assets\/.*\.(js|css)$/;

export function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir }, bundle) {
      if (!dir) this.error("the build goes to no folder");
      for (const file of Object.values(bundle)) {
        if (!NAMES.test(file.fileName)) continue;
        const content = file.type === "chunk" ? file.code : file.source;
        writeFileSync(join(dir, `${file.fileName}.gz`), gzipSync(content, { level: 9 }));
      }
    },
  };
}
