/** Histograms of a dataset's columns, bands of whole curves. */

import { expect, expectAccessible, test } from "./fixtures";

test("a dataset's columns show their distribution, or that none was recorded", async ({ page, request }) => {
  const name = `e2e-columns-${Date.now()}`;
  const column = (more: Record<string, unknown>) => ({
    ...{ shape: [], nulls: 0, distinct: 9, distinct_capped: false, non_finite: 0 },
    ...more,
  });
  const numbers = { dtype: "float", min: 0, max: 1, mean: 0.4, std: 0.2 };
  const inspection = {
    columns: [
      column({
        name: "width",
        ...numbers,
        histogram: { start: 0, width: 0.25, counts: [10, 40, 0, 2] },
      }),
      column({ name: "older", ...numbers }),
      column({ name: "species", dtype: "string", min: null, max: null, mean: null, std: null }),
    ],
    files: [],
  };
  const made = await request.post("/api/v1/datasets", {
    data: {
      ...{ name, fingerprint: `v1:${"7".repeat(64)}`, format: "csv", source: "columns.csv" },
      ...{ description: "", rows: 52, size_bytes: 100, inspection },
    },
  });
  expect(made.ok(), await made.text()).toBe(true);
  try {
    await page.goto(`/datasets/${name}`);
    const bars = page.getByRole("img", { name: /^Distribution of width: 52 values in 4 bins/ });
    await expect(bars).toBeVisible();
    await expect(bars).toHaveAccessibleName(/the fullest is 0\.25 to 0\.5: 40 values/);
    const heights = await bars
      .locator("rect.bar")
      .evaluateAll((found) => found.map((bar) => Number(bar.getAttribute("height"))));
    expect(heights).toHaveLength(4);
    expect(heights[2]).toBe(0);
    expect(heights[1]).toBe(Math.max(...heights));
    expect(heights[3]).toBeGreaterThan(1);
    await expect(page.getByRole("row", { name: /older/ })).toContainText("histogram not recorded");
    const species = page.getByRole("row", { name: /species/ });
    await expect(species).not.toContainText("not recorded");
    await expect(species.getByRole("img")).toHaveCount(0);
    await expectAccessible(page);
  } finally {
    const gone = await request.delete(`/api/v1/datasets/${name}/versions/1`);
    expect(gone.ok(), await gone.text()).toBe(true);
  }
});
