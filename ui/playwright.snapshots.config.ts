/**
 * Snapshots of every page, pixel by pixel: dark and wide, light and narrow. They start hubs of their own with
 * MLHUB_E2E_BINARY; e2e/snapshots/README.md says how they are taken anew.
 */
import { defineConfig } from "@playwright/test";
import { launchOptions } from "./e2e/browser";

/** Share of the pixels that may differ: less than a moved line of text, more than an edge drawn differently. */
const DIFFERENT_PIXELS_MAX = 0.0005;
/** How far apart two colours may be, from 0 to 1, and count as one. */
const COLOUR_DISTANCE_MAX = 0.1;

export default defineConfig({
  testDir: "e2e/snapshots",
  fullyParallel: false,
  workers: 1,
  retries: 0,
  timeout: 30_000,
  forbidOnly: true,
  reporter: "list",
  snapshotPathTemplate: "{testDir}/pages/{projectName}/{arg}{ext}",
  expect: {
    toHaveScreenshot: {
      maxDiffPixelRatio: DIFFERENT_PIXELS_MAX,
      threshold: COLOUR_DISTANCE_MAX,
      animations: "disabled",
      caret: "hide",
      scale: "css",
    },
  },
  use: {
    locale: "en-US",
    timezoneId: "UTC",
    contextOptions: { reducedMotion: "reduce" },
    launchOptions: {
      ...launchOptions,
      args: [
        ...launchOptions.args,
        "--force-color-profile=srgb",
        "--font-render-hinting=none",
        "--disable-lcd-text",
      ],
    },
  },
  projects: [
    { name: "dark-wide", use: { colorScheme: "dark", viewport: { width: 1440, height: 900 } } },
    { name: "light-narrow", use: { colorScheme: "light", viewport: { width: 420, height: 800 } } },
  ],
});
