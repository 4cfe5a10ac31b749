/** Reports: written with live panels, moved and undone, saved with conflicts told, and taken along as one file. */

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { expect, expectAccessible, expectStatus, test } from "./fixtures";
import { START_MS } from "./maker";

test("a report grows from a comparison, is edited, saved, and leaves as a file without scripts", async ({
  page,
  maker,
  request,
  browser,
}) => {
  const made = await maker.runs({
    names: ["alpha", "beta"],
    snapshot: { config: { params: { lr: 0.1 } } },
    points: (at) =>
      [1, 2, 3, 4].map((i) => ({ name: "loss", step: i, time_ms: START_MS + i, value: (at + 1) / i })),
  });
  const name = `Report of ${maker.project}`;
  await page.goto(`/compare?runs=${made.map((run) => run.id).join(",")}`);
  await page.locator("#curves").scrollIntoViewIfNeeded();
  await page.locator("#curves").getByRole("button", { name: "Add to report" }).click();
  const dialog = page.getByRole("dialog", { name: "Add to a report" });
  await dialog.getByLabel("Report").selectOption({ label: "A new report" });
  await dialog.getByLabel("Name").fill(name);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("link", { name: "Open the report" }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  const chart = page.getByRole("img", { name: "Curves of loss" });
  await expect(chart.locator("path.curve")).toHaveCount(2);
  const id = new URL(page.url()).pathname.split("/").at(-1) ?? "";

  await page.getByRole("button", { name: "Edit" }).click();
  const add = page.getByRole("group", { name: "Add a block" });
  await add.getByRole("button", { name: "Text" }).click();
  const markup =
    "# Findings\n\n**Beta** is worse. <script>alert(1)</script>\n\n| a | b |\n|---|---|\n| 1 | 2 |";
  await page.getByRole("textbox", { name: "Markdown" }).fill(markup);
  await add.getByRole("button", { name: "Metrics" }).click();
  await expect(page.getByRole("region", { name: "Metrics", exact: true }).first()).toContainText("loss");

  // By keyboard the text goes to the front; undone it goes back, redone it stands there again.
  const titles = page.getByRole("grid", { name: "Blocks in their order" }).getByRole("row");
  await expect(titles).toHaveCount(3);
  await page.getByRole("button", { name: "Move up: Findings" }).press("Enter");
  await expect(titles.first()).toContainText("Findings");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(titles.first()).toContainText("Curves");
  await page.getByRole("button", { name: "Redo" }).click();
  await expect(titles.first()).toContainText("Findings");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("heading", { name: "Findings" })).toBeVisible();
  await expect(page.getByText("<script>alert(1)</script>")).toBeVisible();
  await expectAccessible(page);

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export HTML" }).click();
  const file = test.info().outputPath("report.html");
  await (await download).saveAs(file);
  const html = await readFile(file, "utf8");
  expect(html).not.toMatch(/<script|javascript:|<link|<img/i);
  // Opened from the disk, with no hub and no network.
  const alone = await browser.newContext({ offline: true });
  const copy = await alone.newPage();
  await copy.goto(pathToFileURL(file).href);
  await expect(copy.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(copy.getByRole("img", { name: "Curves of loss" }).locator("path.curve")).toHaveCount(2);
  await expect(copy.getByRole("rowheader", { name: /^loss/ })).toBeVisible();
  await expect(copy.getByText(/^Written \d{4}-\d{2}-\d{2} .* version /)).toBeVisible();
  await expectAccessible(copy);
  await alone.close();

  const removed = await request.delete(`/api/v1/documents/${id}`);
  expect(removed.ok()).toBe(true);
});

test("a conflict is told and nothing is lost; gone runs are told in place; leaving unsaved asks", async ({
  page,
  request,
  maker,
  complaints,
}) => {
  const name = `Conflict of ${maker.project}`;
  const panel = { kind: "metrics", runs: ["zzzzzzzzzzzz"] };
  const blocks = [
    { type: "markdown", text: "Mine" },
    { type: "panel", panel },
    { type: "panel", panel: { kind: "hologram" } },
  ];
  const created = await request.post("/api/v1/documents", {
    data: { kind: "report", project: null, name, body: { version: 1, blocks } },
  });
  expect(created.status()).toBe(201);
  const { id, revision } = (await created.json()) as { id: string; revision: number };
  await page.goto("/reports");
  await page.getByRole("searchbox", { name: "Find a report" }).fill(maker.project);
  await expectAccessible(page);
  await page.getByRole("link", { name }).click();
  await expect(page.getByText("1 run of this panel cannot be found")).toBeVisible();
  await expect(page.getByText(/of a kind this version of the hub does not know/)).toBeVisible();

  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByRole("textbox", { name: "Markdown" }).fill("Mine, longer");
  const theirs = await request.put(`/api/v1/documents/${id}`, {
    data: { name, revision, body: { version: 1, blocks: [{ type: "markdown", text: "Theirs" }] } },
  });
  expect(theirs.ok()).toBe(true);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("dialog", { name: "The report was changed meanwhile" })).toBeVisible();
  await page.getByRole("button", { name: "Go on editing" }).click();
  await page.getByRole("link", { name: "Reports", exact: true }).first().click();
  await expect(page.getByRole("dialog", { name: "Leave without saving?" })).toBeVisible();
  await page.getByRole("button", { name: "Stay", exact: true }).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Save mine as a copy" }).click();
  await expect(page.getByRole("heading", { level: 1, name: `${name} (copy)` })).toBeVisible();
  await expect(page.getByText("Mine, longer")).toBeVisible();
  const copy = new URL(page.url()).pathname.split("/").at(-1) ?? "";
  // What was not known is kept as it came.
  const kept = (await (await request.get(`/api/v1/documents/${copy}`)).json()) as {
    body: { blocks: unknown[] };
  };
  expect(kept.body.blocks[2]).toEqual(blocks[2]);
  // The browser itself reports the conflicts.
  expectStatus(complaints, 409);

  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Delete the report" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Reports" })).toBeVisible();
  expect((await request.get(`/api/v1/documents/${copy}`)).status()).toBe(404);
  await request.delete(`/api/v1/documents/${id}`);
});
