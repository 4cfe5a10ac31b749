/** Builds the single-page app into `dist/`; `npm run dev` proxies the API to a running hub. */
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { bundleBudget } from "./scripts/bundleBudget";
import { compressed } from "./scripts/compressed";

const hub = process.env.MLHUB_URL ?? "http://127.0.0.1:8765";

export default defineConfig({
  plugins: [react(), bundleBudget(), compressed()],
  resolve: { alias: { "~": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    // The hub's CSP forbids data: URLs, so every asset is a file of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
  },
  // The hub takes writes from its own pages only; to it this server's page is one of them.
  server: {
    proxy: { "/api": { target: hub, changeOrigin: true, headers: { origin: hub } }, "/health": hub },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
