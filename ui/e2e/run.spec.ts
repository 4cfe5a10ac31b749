/** The run page: every tab shows what the hub knows of a real run. */

import { expect, expectAccessible, test } from "./fixtures";

test("overview names the run, its metrics and its attempts", async ({ page, finished }) => {
  await page.goto(`/runs/${finished.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(finished.name);
  const metric = Object.keys(finished.intervals).sort()[0] ?? "";
  await expect(page.locator(".stat", { hasText: metric }).first()).toBeVisible();
  await expect(page.getByRole("heading", { name: "1 attempt" })).toBeVisible();
  await expectAccessible(page);
});

test("charts draw the logged metrics, zoom and reset", async ({ page, finished }) => {
  await page.goto(`/runs/${finished.id}?tab=charts`);
  const canvas = page.locator(".chart canvas").first();
  await expect(canvas).toBeVisible();
  const drawn = () =>
    canvas.evaluate((element) => {
      const pixels = (element as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, 300, 300).data ?? [];
      return Array.from(pixels).some((value) => value !== 0);
    });
  await expect.poll(drawn).toBe(true);
  const over = page.locator(".chart .u-over").first();
  const box = await over.boundingBox();
  if (!box) throw new Error("the chart has no area");
  await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.getByRole("button", { name: "Reset zoom" }).click();
  await expect(page.getByRole("button", { name: "Reset zoom" })).toHaveCount(0);
  await page.getByRole("button", { name: "Log", exact: true }).click();
  await page.getByRole("button", { name: "Time", exact: true }).click();
  await expect.poll(drawn).toBe(true);
  await expectAccessible(page);
});

test("evaluation shows metrics with definitions, the receipt and the confusion matrix", async ({
  page,
  finished,
}) => {
  await page.goto(`/runs/${finished.id}?tab=evaluation`);
  await expect(page.getByRole("heading", { name: "Receipt" })).toBeVisible();
  await expect(page.locator(".table code", { hasText: /^accuracy@\d+$/ })).toBeVisible();
  await expect(page.locator("svg.interval").first()).toBeVisible();
  const matrix = page.locator("table.matrix");
  await expect(matrix).toBeVisible();
  const sum = async () =>
    (await matrix.locator("td").allTextContents()).reduce(
      (total, text) => total + Number(text.replace(/\s/g, "")),
      0,
    );
  expect(await sum()).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Share of true class" }).click();
  await expect(matrix).toContainText("%");
  await expect(page.getByRole("img", { name: "Receiver operating characteristic" })).toBeVisible();
  await expect(page.getByRole("img", { name: "Precision against recall" })).toBeVisible();
  await expectAccessible(page);
});

test("config tells where each value came from and filters what changed", async ({ page, finished }) => {
  await page.goto(`/runs/${finished.id}?tab=config`);
  await expect(page.getByRole("rowheader").first()).toBeVisible();
  await expect(page.locator("tbody .badge").first()).toBeVisible();
  const all = await page.locator("tbody tr").count();
  await page.getByRole("button", { name: /^Changed from default/ }).click();
  await expect.poll(() => page.locator("tbody tr").count()).toBeLessThan(all);
  await page.getByRole("button", { name: "Raw JSON" }).click();
  await expect(page.locator("pre.code-block")).toContainText("{");
  await expectAccessible(page);
});

test("logs open at their end and are searched", async ({ page, request, runs }) => {
  const texts = await Promise.all(
    runs.map(async (run) => {
      const answer = await request.get(`/api/v1/runs/${run.id}/logs/stdout?tail=65536`);
      return { run, text: answer.ok() ? await answer.text() : "" };
    }),
  );
  const printed = texts.find(({ text }) => text.trim() !== "");
  if (!printed) throw new Error("No run of this hub printed anything: is this the demo's data?");
  const lines = printed.text.trimEnd().split("\n");
  const last = lines[lines.length - 1] ?? "";
  await page.goto(`/runs/${printed.run.id}?tab=logs`);
  await expect(page.getByRole("region", { name: "Log" })).toContainText(last);
  await page.getByRole("searchbox", { name: "Search the log" }).fill(last);
  await expect(page.getByText(/^1 of \d+$/)).toBeVisible();
  await expect(page.locator(".log-line.match").first()).toBeVisible();
  await expectAccessible(page);
});

test("provenance, system and artifacts show what was recorded", async ({ page, finished }) => {
  await page.goto(`/runs/${finished.id}?tab=provenance`);
  for (const title of ["Command", "Code", "Dataset", "What the program read", "Environment", "Machine"]) {
    await expect(page.getByRole("heading", { name: title, exact: true })).toBeVisible();
  }
  await expectAccessible(page);
  await page.getByRole("link", { name: "Artifacts", exact: true }).click();
  const file = page.getByRole("link", { name: /^Download predictions\// }).first();
  await expect(file).toBeVisible();
  const download = page.waitForEvent("download");
  await file.click();
  expect((await download).suggestedFilename()).not.toBe("");
  await expectAccessible(page);
  await page.getByRole("link", { name: "System", exact: true }).click();
  const system = page
    .locator(".chart")
    .first()
    .or(page.getByRole("heading", { name: "Nothing to draw" }));
  await expect(system).toBeVisible();
});
