/** The run page: every tab shows what the hub knows of a real run. */

import { expect, expectAccessible, test } from "./fixtures";
import { picture, START_MS } from "./maker";

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
  for (const axis of ["relative", "wall"]) {
    const asked = page.waitForRequest(
      (one) => one.url().endsWith("/series/query") && one.postDataJSON().axis === axis,
    );
    const name = axis === "wall" ? "Date and time" : "Time since the start of the run";
    await page.getByRole("button", { name, exact: true }).click();
    await asked;
    await expect.poll(drawn).toBe(true);
  }
  await expectAccessible(page);
});

test("a zoom asks the hub for the range in full; a long series shows its extremes", async ({
  page,
  maker,
}) => {
  const count = 20_000;
  const [run] = await maker.runs({
    names: ["long"],
    points: () =>
      Array.from({ length: count }, (_, i) => ({
        name: "loss",
        step: i,
        time_ms: START_MS + i,
        value: i === 7_777 ? "NaN" : Math.sin(i / 500),
      })),
  });
  await page.goto(`/runs/${run?.id}?tab=charts`);
  const chart = page.getByRole("article", { name: "loss" });
  await expect(chart.getByText("min–max")).toBeVisible();
  await expect(chart.getByText("1 non-finite")).toBeVisible();
  const over = chart.locator(".u-over");
  const box = await over.boundingBox();
  if (!box) throw new Error("the chart has no area");
  const asked = page.waitForRequest((one) => {
    const body = one.url().endsWith("/series/query") ? one.postDataJSON() : undefined;
    return body?.from > 0 && body.to < count && body.to > body.from && body.axis === "step";
  });
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.52, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await asked;
  // Four hundred points fit, so all of them came.
  await expect(chart.getByText("min–max")).toHaveCount(0);
  await expect(chart.getByText("1 non-finite")).toHaveCount(0);
});

test("media show pictures, histograms, tables and text by step, and run nothing", async ({ page, maker }) => {
  const folder = "artifacts/media/samples";
  const table = JSON.stringify({ columns: ["id", "said"], data: [[1, "<b>bold</b>"]] });
  const [run] = await maker.runs({
    names: ["media"],
    artifacts: [
      ...[1, 5].map((step) => ({
        path: `${folder}/${step}.png`,
        kind: "image",
        bytes: picture(24, step * 40),
      })),
      {
        path: "artifacts/media/drawing/1.svg",
        kind: "image",
        bytes: Buffer.from("<svg onload='alert(1)'/>"),
      },
      { path: "artifacts/media/errors/5.table.json", kind: "table", bytes: Buffer.from(table) },
    ],
    records: [
      ...[1, 5].map((step) => ({
        kind: "media",
        body: { type: "image", name: "samples", step, path: `${folder}/${step}.png`, caption: `at ${step}` },
      })),
      {
        kind: "media",
        body: { type: "image", name: "drawing", step: 1, path: "artifacts/media/drawing/1.svg" },
      },
      {
        kind: "media",
        body: { type: "table", name: "errors", step: 5, path: "artifacts/media/errors/5.table.json" },
      },
      {
        kind: "histogram",
        body: { name: "weights", step: 5, counts: [1, 4], edges: [0, 1, 2], non_finite: 0 },
      },
      { kind: "text", body: { name: "note", step: 5, text: "<script>alert(1)</script>" } },
    ],
  });
  await page.goto(`/runs/${run?.id}?tab=media`);
  const samples = page.getByRole("region", { name: "samples" });
  const shown = samples.getByRole("img", { name: "at 5" });
  await expect(shown).toBeVisible();
  const width = () => shown.evaluate((element) => (element as HTMLImageElement).naturalWidth);
  await expect.poll(width).toBe(24);
  await samples.getByRole("slider").press("ArrowLeft");
  await expect(samples.getByText("step 1")).toBeVisible();
  await expect(samples.getByRole("img", { name: "at 1" })).toBeVisible();
  // Drawings are documents: they are only downloaded.
  const drawing = page.getByRole("region", { name: "drawing" });
  await expect(drawing.getByRole("link", { name: "1.svg" })).toBeVisible();
  await expect(drawing.locator("img")).toHaveCount(0);
  // What was never on screen is not fetched.
  await page.getByRole("region", { name: "errors", exact: true }).scrollIntoViewIfNeeded();
  await expect(page.getByRole("cell", { name: "<b>bold</b>" })).toBeVisible();
  await expect(page.getByRole("img", { name: "Histogram weights, step 5" })).toBeVisible();
  await page.getByRole("region", { name: "note", exact: true }).scrollIntoViewIfNeeded();
  await expect(page.getByText("<script>alert(1)</script>")).toBeVisible();
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
