/** The other pages, both colour schemes, narrow windows, and what is not there. */

import { expect, expectAccessible, expectStatus, test } from "./fixtures";

test("datasets lead to columns, splits and the leakage report", async ({ page }) => {
  await page.goto("/datasets");
  await expectAccessible(page);
  await page.getByRole("region", { name: "Datasets" }).getByRole("link").first().click();
  await expect(page.getByRole("heading", { name: "Version 1", exact: true })).toBeVisible();
  await expect(page.getByRole("heading", { name: /^\d+ columns$/ })).toBeVisible();
  await expect(page.getByRole("region", { name: "Parts" }).first()).toContainText("train");
  await expectAccessible(page);
});

test("adapters and metric definitions tell what they are", async ({ page }) => {
  await page.goto("/adapters");
  await expect(page.getByRole("region", { name: "native", exact: true })).toContainText("train");
  await expectAccessible(page);
  await page.getByRole("link", { name: "Metrics", exact: true }).click();
  await expect(page.getByRole("heading", { name: /^accuracy@\d+/ }).first()).toBeVisible();
  await page.getByRole("searchbox", { name: "Find a metric" }).fill("log_loss");
  await expect(page.getByRole("heading", { name: /^accuracy@\d+/ })).toHaveCount(0);
  await expectAccessible(page);
});

test("the colour scheme is chosen, kept, and accessible in the dark", async ({ page, finished }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.locator("tbody tr").first()).toBeVisible();
  await expectAccessible(page);
  for (const tab of ["overview", "charts", "evaluation", "config"]) {
    await page.goto(`/runs/${finished.id}?tab=${tab}`);
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(finished.name);
    await expectAccessible(page);
  }
  await page.getByRole("button", { name: "Light", exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
});

test("a narrow window never scrolls sideways", async ({ page, finished, runs }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const two = runs.slice(0, 2).map((run) => run.id);
  const tabs = [
    "overview",
    "charts",
    "evaluation",
    "media",
    "logs",
    "config",
    "system",
    "artifacts",
    "provenance",
  ];
  const deleted = ["/deleted", "/deleted?tab=ledger", "/deleted?tab=retention"];
  const addresses = [
    "/",
    "/?group=experiment",
    ...deleted,
    "/models",
    "/datasets",
    "/adapters",
    "/metrics",
    "/leaderboard",
    `/compare?runs=${two.join(",")}`,
  ];
  for (const address of [...addresses, ...tabs.map((tab) => `/runs/${finished.id}?tab=${tab}`)]) {
    await page.goto(address);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth), address).toBeLessThanOrEqual(390);
  }
});

test("what is not there says so and leads back", async ({ page, complaints }) => {
  await page.goto("/runs/zzzzzzzzzz");
  await expect(page.getByRole("alert")).toBeVisible();
  await page.goto("/no/such/page");
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  await page.getByRole("link", { name: "All runs" }).click();
  await expect(page.getByRole("heading", { name: "All runs" })).toBeVisible();
  // The browser itself reports the 404 of the missing run.
  expectStatus(complaints, 404);
});
