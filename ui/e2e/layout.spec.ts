/** Every page, dark and wide, light and narrow: nothing scrolls sideways, no control lies beyond the window. */

import { expect, test } from "./fixtures";

const PAGES = [
  "/",
  "/home",
  "/projects",
  "/models",
  "/datasets",
  "/adapters",
  "/metrics",
  "/reports",
  "/new",
  "/new?adapter=native",
  "/deleted",
  "/settings",
  "/help",
  "/design",
  "/p/digits",
  "/p/digits?show=charts",
];
const TABS = ["overview", "charts", "evaluation", "logs", "config", "system", "artifacts", "provenance"];

/** Parts of a comparison wait for the screen; the page of the design shows what loading looks like. */
const ALWAYS_LOADING = /^\/(compare|design)/;

const WINDOWS = [
  { colorScheme: "dark", viewport: { width: 1440, height: 900 } },
  { colorScheme: "light", viewport: { width: 420, height: 800 } },
] as const;

for (const { colorScheme, viewport } of WINDOWS) {
  test.describe(`${viewport.width} pixels, ${colorScheme}`, () => {
    test.use({ colorScheme, viewport });

    test("no page is wider than the window", async ({ page, finished, runs }) => {
      const group = runs.filter((run) => run.group === finished.group).map((run) => run.id);
      const pages = [
        ...PAGES,
        ...TABS.map((tab) => `/runs/${finished.id}?tab=${tab}`),
        `/compare?runs=${group.join(",")}`,
      ];
      const wide: string[] = [];
      for (const path of pages) {
        await page.goto(path);
        await page.getByRole("main").getByRole("heading", { level: 1 }).first().waitFor();
        if (!ALWAYS_LOADING.test(path)) {
          await expect(page.getByRole("main").getByRole("status", { name: "Loading" })).toHaveCount(0);
        }
        const over = await page.evaluate(() => {
          const left = [
            ...document.querySelectorAll("main button, main input, main select, main h1, main h2"),
          ];
          const cut = left.filter((one) => {
            const box = one.getBoundingClientRect();
            const scrolls = one.closest(
              "table, [role=grid], .runs-scroll, .scroll, .table-wrap, .chart-grid, .tabs, pre, [class*=scroll], [class*=grid], [role=toolbar]",
            );
            return box.width > 0 && box.left > innerWidth && !scrolls;
          });
          return {
            sideways: document.documentElement.scrollWidth - innerWidth,
            cut: cut.map((one) => one.textContent || one.getAttribute("aria-label")),
          };
        });
        if (over.sideways > 0) wide.push(`${path} by ${over.sideways}`);
        if (over.cut.length > 0) wide.push(`${path}: ${over.cut.join(", ")}`);
      }
      expect(wide).toEqual([]);
    });
  });
}
