/** Layouts of any size in views, metrics of all runs, superseded branches, and analyses in links and reports. */

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { expect, expectAccessible, test } from "./fixtures";
import { type Point, START_MS } from "./maker";

const point = (name: string, step: number, value: number): Point => ({
  name,
  step,
  time_ms: START_MS + step * 1000,
  value,
});

test("groups begin as means; metrics of every charted run are there; a large layout is kept in a view", async ({
  page,
  maker,
}) => {
  const names = Array.from({ length: 11 }, (_, i) => `run ${String(i).padStart(2, "0")}`);
  await maker.runs({
    names,
    points: (at) => [
      point("loss", 1, at),
      point("loss", 2, at / 2),
      ...(at === 2 ? [point("rare/norm", 1, 3), point("rare/norm", 2, 4)] : []),
    ],
  });
  await page.goto(`/p/${maker.project}?sort=name&cols=state,metrics.loss&top=20`);
  const charts = page.getByRole("region", { name: "Charts", exact: true });
  // The third run is none of those looked at: its metric is found in the list of names.
  await charts.getByRole("article", { name: "rare/norm" }).waitFor();
  const loss = charts.getByRole("article", { name: "loss" }).locator(".plot-host");
  await expect(loss).toHaveAttribute("data-lines", "11");
  await page.getByRole("button", { name: "Group seeds" }).click();
  await expect(loss).toHaveAttribute("data-lines", "1");
  const bands = charts.locator(".chart-controls select");
  await expect(bands).toHaveValue("std");
  await bands.selectOption("none");
  await expect(loss).toHaveAttribute("data-lines", "11");
  await page.reload();
  await bands.waitFor();
  await expect(bands).toHaveValue("none");

  const hidden = Array.from({ length: 400 }, (_, i) => `m:section/of/charts/with/a/long/name/${i}`);
  const layout = {
    version: 1,
    settings: { band: "range" },
    hidden,
    panels: { "m:loss": { width: 2, height: 1 } },
  };
  expect(JSON.stringify(layout).length).toBeGreaterThan(16 * 1024);
  const body = {
    version: 1,
    search: { sort: "name", cols: "metrics.loss", group: "experiment,adapter,group" },
    charts: layout,
  };
  const made = await page.request.post("/api/v1/documents", {
    data: { kind: "view", project: maker.project, name: "Large", body },
  });
  const { id } = (await made.json()) as { id: string };
  await page.goto(`/p/${maker.project}?view=${id}`);
  await bands.waitFor();
  await expect(bands).toHaveValue("range");
  expect(page.url().length).toBeLessThan(400);
  await expect(page.locator(".view-mark")).toHaveCount(0);
  await bands.selectOption("error");
  await expect(page.locator(".view-mark")).toHaveText("changed");
  await expect(charts).toContainText("layout not saved");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Large" }).click();
  await page
    .getByRole("dialog", { name: "Views" })
    .getByRole("button", { name: "Save", exact: true })
    .click();
  await expect(page).toHaveURL(/rev=2/);
  await expect(page.locator(".view-mark")).toHaveCount(0);
  await page.goto(`/p/${maker.project}?view=${id}`);
  await bands.waitFor();
  await expect(bands).toHaveValue("error");
  const stored = (await (await page.request.get(`/api/v1/documents/${id}`)).json()) as {
    body: { charts: { hidden: string[] } };
  };
  expect(stored.body.charts.hidden).toHaveLength(hidden.length);
  await page.request.delete(`/api/v1/documents/${id}`);
});

test("what a resume superseded is drawn on request", async ({ page, maker }) => {
  const steps = Array.from({ length: 10 }, (_, i) => i + 1);
  const [run] = await maker.runs({
    names: ["resumed"],
    points: () => steps.map((step) => point("loss", step, 10 / step)),
    end: { state: "failed", exit: { code: 1 } },
  });
  if (!run) throw new Error("no run was made");
  await page.goto(`/runs/${run.id}?tab=charts`);
  const loss = page.getByRole("article", { name: "loss" }).locator(".plot-host");
  await expect(loss).toHaveAttribute("data-lines", "1");
  const branch = page.getByRole("checkbox", { name: "Superseded" });
  await expect(branch).toHaveCount(0);
  await maker.resume(
    run.id,
    5,
    steps.slice(5).map((step) => point("loss", step, 5 / step)),
  );
  await page.reload();
  await branch.check();
  await expect(loss).toHaveAttribute("data-lines", "2");
  await expect(page.getByRole("list", { name: "Lines of the charts" })).toContainText(
    "attempt 1, superseded after step 5",
  );
  await expectAccessible(page);
  await branch.uncheck();
  await expect(loss).toHaveAttribute("data-lines", "1");
});

test("an analysis is in the link of a comparison, and in a report that follows a query", async ({
  page,
  maker,
  request,
  browser,
}) => {
  const ids: string[] = [];
  for (const lr of ["0.001", "0.01", "0.1"]) {
    const made = await maker.runs({
      names: [`lr-${lr}-s1`, `lr-${lr}-s2`],
      params: { lr },
      points: (seed) => [point("accuracy", 1, Number(lr) + seed / 100), point("accuracy", 2, Number(lr))],
    });
    ids.push(...made.map((run) => run.id));
  }
  await page.goto(`/compare?runs=${ids.join(",")}#analysis`);
  const part = page.locator("#analysis");
  // Parts above it are drawn lazily; it stays where the link leads.
  await part.getByRole("region", { name: "Parallel coordinates" }).waitFor();
  await expect(part.getByRole("status").first()).toHaveText("6 runs");
  await expect
    .poll(() => part.evaluate((element) => Math.abs(element.getBoundingClientRect().top)))
    .toBeLessThan(160);
  await part.getByRole("button", { name: "Scatter" }).click();
  await expect(page).toHaveURL(/analysis=.*scatter/);
  await page.reload();
  await part.getByRole("button", { name: "Scatter" }).waitFor();
  await expect(part.getByRole("button", { name: "Scatter" })).toHaveAttribute("aria-pressed", "true");

  await part.getByRole("button", { name: "Add to report" }).click();
  const dialog = page.getByRole("dialog", { name: "Add to a report" });
  await dialog.getByLabel("Report").selectOption({ label: "A new report" });
  await dialog.getByLabel("Name").fill(`Analysis of ${maker.project}`);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("link", { name: "Open the report" }).click();
  await expect(page.locator("svg circle.dot")).toHaveCount(6);
  const id = new URL(page.url()).pathname.split("/").at(-1) ?? "";

  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByRole("button", { name: "A query" }).click();
  const query = page.getByRole("textbox", { name: "Query" });
  await query.fill(`project = '${maker.project}' and params.lr < 0.05`);
  await query.press("Enter");
  await page.getByRole("button", { name: "Parallel coordinates" }).click();
  await expect(page.locator("#block-b0").getByRole("status")).toHaveText("4 runs");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Done" }).click();
  const lines = page.getByRole("img", { name: "Parallel coordinates: 4 runs" }).locator("path.curve");
  await expect(lines).toHaveCount(4);
  // The panel follows the query.
  await maker.runs({ names: ["later"], params: { lr: "0.02" }, points: () => [point("accuracy", 1, 0.3)] });
  await expect(page.locator("path.curve")).toHaveCount(5);
  await expectAccessible(page);

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export HTML" }).click();
  const file = test.info().outputPath("analysis.html");
  await (await download).saveAs(file);
  expect(await readFile(file, "utf8")).not.toMatch(/<script|<canvas|<link|<img/i);
  const alone = await browser.newContext({ offline: true });
  const copy = await alone.newPage();
  await copy.goto(pathToFileURL(file).href);
  await expect(copy.locator("path.curve")).toHaveCount(5);
  await alone.close();
  await request.delete(`/api/v1/documents/${id}`);
});
