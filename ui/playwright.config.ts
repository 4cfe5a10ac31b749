/**
 * End-to-end tests against a real hub at MLHUB_E2E_URL that holds the data of `mlhub demo --exit`.
 * They start no server. What a test makes it purges; the demo's runs are only read.
 */
import { defineConfig } from "@playwright/test";
import { launchOptions } from "./e2e/browser";

const url = process.env.MLHUB_E2E_URL;
if (!url) {
  throw new Error(
    "MLHUB_E2E_URL is not set. Start a hub with demo data (`mlhub demo --exit`, then `mlhub serve`) and set it to the hub's address.",
  );
}

export default defineConfig({
  testDir: "e2e",
  // They start hubs of their own; see playwright.snapshots.config.ts.
  testIgnore: "snapshots/**",
  fullyParallel: false,
  workers: 1,
  retries: 0,
  timeout: 60_000,
  forbidOnly: true,
  reporter: "list",
  use: {
    baseURL: url,
    viewport: { width: 1400, height: 900 },
    screenshot: "only-on-failure",
    launchOptions,
  },
});
