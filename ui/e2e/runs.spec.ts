/** The runs table: what it shows, and that the hub does the searching and sorting. */

import { expect, expectAccessible, test } from "./fixtures";

test("lists the runs, folds seeds with mean and deviation, and unfolds them", async ({
  page,
  finished,
  runs,
}) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "All runs" })).toBeVisible();
  await expect(page.locator(".status-line")).toContainText(/\d+ runs/);
  const seeds = runs.filter((run) => run.group === finished.group).length;
  const fold = page.getByRole("button", { name: /^Unfold/ }).first();
  await expect(fold).toBeVisible();
  await expect(page.locator("tbody")).toContainText(`${seeds} seeds`);
  await expect(page.locator("tbody")).toContainText("±");
  const before = await page.locator("tbody tr").count();
  await fold.click();
  await expect(page.locator("tbody tr.in-group").first()).toBeVisible();
  expect(await page.locator("tbody tr").count()).toBeGreaterThan(before);
  await expectAccessible(page);
});

test("searches on the hub and keeps the search in the address", async ({ page, finished }) => {
  await page.goto("/?grouped=false");
  await expect(page.getByRole("heading", { name: "All runs" })).toBeVisible();
  await page.keyboard.press("/");
  const field = page.getByRole("searchbox", { name: "Search runs" });
  await expect(field).toBeFocused();
  await field.fill(finished.name);
  await expect(page).toHaveURL(/q=/);
  await expect(page.getByRole("link", { name: finished.name, exact: true }).first()).toBeVisible();
  await field.fill("no-run-is-called-like-this");
  await expect(page.getByRole("heading", { name: "No run matches" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("searchbox", { name: "Search runs" })).toHaveValue(
    "no-run-is-called-like-this",
  );
});

test("sorts by an evaluated metric in the hub's order", async ({ page, finished }) => {
  const metric = Object.keys(finished.intervals).sort()[0] ?? "";
  const column = encodeURIComponent(`metric:${metric}`);
  await page.goto(`/?grouped=false&cols=${column}`);
  await page.getByRole("button", { name: metric, exact: true }).click();
  await expect(page).toHaveURL(/sort=evaluated/);
  const head = page.getByRole("columnheader", { name: metric });
  await expect(head).toHaveAttribute("aria-sort", "descending");
  await expect
    .poll(async () => {
      const cells = await page.locator("tbody tr td.num").allTextContents();
      const numbers = cells
        .map((text) => Number(text.replace("−", "-")))
        .filter((value) => Number.isFinite(value));
      return numbers.length > 1 && numbers.every((value, i) => i === 0 || value <= (numbers[i - 1] ?? value));
    })
    .toBe(true);
});

test("filters by state, opens a project, chooses columns", async ({ page, finished }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "finished", exact: true }).click();
  await expect(page).toHaveURL(/state=finished/);
  await expect(page.locator("tbody .badge", { hasText: "finished" }).first()).toBeVisible();
  await page.getByRole("combobox", { name: "Project" }).selectOption(finished.project);
  await expect(page).toHaveURL(new RegExp(`/p/${encodeURIComponent(finished.project)}`));
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("dialog", { name: "Columns" }).getByLabel("Owner", { exact: true }).check();
  await expect(page.getByRole("columnheader", { name: "Owner" })).toBeVisible();
  await expect(page).toHaveURL(/cols=/);
});

test("checks a seed group and compares it", async ({ page }) => {
  await page.goto("/");
  await page
    .getByRole("checkbox", { name: /^Check seed group/ })
    .first()
    .check();
  await page.getByRole("link", { name: /^Compare \d+/ }).click();
  await expect(page).toHaveURL(/\/compare\?runs=/);
  await expect(page.getByRole("heading", { name: /^Comparison of \d+ runs/ })).toBeVisible();
});

test("the shortcut sheet opens with ? and closes with Escape", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "All runs" })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});
