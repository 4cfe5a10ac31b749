/** The chart workspace: arranging, expressions, means over seeds, exports, live growth. */

import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expectAccessible, expect as shared, test } from "./fixtures";
import { type Point, START_MS } from "./maker";

function line(name: string, count: number, value: (step: number) => Point["value"]): Point[] {
  return Array.from({ length: count }, (_, step) => ({
    name,
    step,
    time_ms: START_MS + step * 1000,
    value: value(step),
  }));
}

/** Charts are fetched, computed and drawn: on a busy machine that takes a while. */
const expect = shared.configure({ timeout: 15_000 });

const chart = (page: Page, name: string) => page.getByRole("article", { name, exact: true });

async function choose(page: Page, name: string, item: string) {
  await page.getByRole("button", { name: `Options of ${name}`, exact: true }).click();
  await page.getByRole("button", { name: item, exact: true }).click();
}

test("charts are searched, pinned, moved, resized, hidden, and stay so", async ({ page, maker }) => {
  const names = ["train/loss", "val/acc", "val/loss"];
  const [run] = await maker.runs({
    names: ["arranged"],
    points: () => names.flatMap((name, i) => line(name, 40, (step) => Math.exp(-step / 10) + i)),
  });
  await page.goto(`/runs/${run?.id}?tab=charts`);
  await expect(chart(page, "train/loss").locator("canvas")).toBeVisible();

  const search = page.getByRole("searchbox", { name: /Find a metric/ });
  await search.fill("val/(");
  await expect(page.getByText("Unterminated group")).toBeVisible();
  await search.fill("^VAL/.*ss$");
  await expect(page.getByRole("article")).toHaveCount(1);
  await expect(chart(page, "val/loss")).toBeVisible();
  await search.fill("");

  await page.getByRole("button", { name: "Move val/loss" }).press("ArrowLeft");
  await expect(page.getByText("val/loss is now 1 of 2 in val")).toBeAttached();
  await expect(page.getByRole("button", { name: "Move val/loss" })).toBeFocused();
  await expect(page.getByRole("region", { name: "val" }).getByRole("article").first()).toHaveAccessibleName(
    "val/loss",
  );
  const height = async () => (await chart(page, "val/loss").boundingBox())?.height ?? 0;
  const before = await height();
  await page.getByRole("button", { name: "Resize val/loss" }).press("ArrowDown");
  await expect.poll(height).toBeGreaterThan(before + 100);

  await choose(page, "val/acc", "Pin on top");
  await expect(page.getByRole("region", { name: "pinned" }).getByRole("article")).toHaveCount(1);
  await choose(page, "train/loss", "Hide this chart");
  await expect(chart(page, "train/loss")).toHaveCount(0);

  await page.getByRole("button", { name: "Add chart" }).click();
  const field = page.getByRole("textbox", { name: "Expression over metrics" });
  await field.fill("train/loss - ");
  await expect(page.getByText("Something is missing at the end")).toBeVisible();
  await field.fill("val/loss - train/loss");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  const difference = chart(page, "val/loss - train/loss");
  await expect(difference.getByRole("group", { name: /40 points, last 2$/ })).toBeVisible();
  await expectAccessible(page);

  await page.reload();
  await expect(page.getByRole("region", { name: "pinned" }).getByRole("article")).toHaveCount(1);
  await expect(difference).toBeVisible();
  await page.getByRole("button", { name: "Add chart" }).click();
  await page.getByRole("button", { name: "train/loss", exact: true }).click();
  await expect(chart(page, "train/loss")).toBeVisible();
});

test("seeds become a mean that says how many; outliers are left out and told; all is saved", async ({
  page,
  maker,
}) => {
  const runs = await maker.runs({
    names: ["seeded-s0", "seeded-s1", "seeded-s2"],
    points: (at) =>
      line("loss", 1500, (step) => (step === 700 && at === 0 ? 1e7 : at + Math.exp(-step / 300))),
  });
  await page.goto(`/compare?runs=${runs.map((run) => run.id).join(",")}`);
  const loss = chart(page, "loss");
  await expect(loss).toBeVisible();
  await loss.scrollIntoViewIfNeeded();
  await expect(loss.locator("canvas")).toBeVisible();

  await page.getByRole("button", { name: "Axes" }).click();
  await page.getByRole("checkbox", { name: /Leave outliers out/ }).check();
  await expect(loss.getByText(/^\d+ outside$/)).toBeVisible();
  await page.getByRole("checkbox", { name: /Leave outliers out/ }).uncheck();
  await page.keyboard.press("Escape");

  const whole = page.waitForRequest(
    (one) => one.url().endsWith("/series/query") && one.postDataJSON().max_points >= 1500,
  );
  await page.getByRole("combobox", { name: "Groups" }).selectOption("range");
  await whole;
  const over = loss.locator(".u-over");
  await over.hover({ position: { x: 80, y: 60 } });
  await expect(loss.locator(".plot-tip")).toContainText("n=3");
  await expect(loss.locator(".plot-tip")).toContainText("seeded (3 runs)");

  await choose(page, "loss", "Values as a table");
  const dialog = page.getByRole("dialog", { name: "loss in the range shown" });
  await expect(dialog.getByRole("row")).toHaveCount(4);
  await expect(dialog.getByRole("row", { name: /seeded-s0/ })).toContainText("1e7");
  await dialog.getByRole("button", { name: "Close" }).click();

  const saved = async (item: string) => {
    const download = page.waitForEvent("download");
    await choose(page, "loss", item);
    return readFile(await (await download).path());
  };
  const rows = (await saved("Save all points as CSV")).toString().trim().split(/\r?\n/);
  expect(rows).toHaveLength(1 + 3 * 1500);
  const drawing = (await saved("Save as SVG")).toString();
  expect(drawing).toMatch(/^<svg [^>]*>\n<title>loss<\/title>/);
  expect(drawing).toContain("seeded (3 runs)");
  const picture = await saved("Save as PNG");
  expect([...picture.subarray(1, 4)]).toEqual([0x50, 0x4e, 0x47]);

  await choose(page, "loss", "Full screen");
  const full = page.getByRole("dialog", { name: "loss" });
  await expect(full.locator("canvas")).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(full).toHaveCount(0);
});

test("a chart is moved by hand and by keys; what is logged meanwhile is fetched alone", async ({
  page,
  request,
  maker,
}) => {
  const answer = await request.post("/api/v1/runs", {
    data: {
      project: `${maker.project}-live`,
      experiment: "made",
      snapshot: { version: 1 },
      runs: [{ name: "live" }],
    },
  });
  const id: string = (await answer.json()).runs[0].id;
  const attempt = `/api/v1/runs/${id}/attempts/1`;
  await request.post(`${attempt}/start`, { data: { started_at: START_MS } });
  const log = (piece: number, steps: number[]) =>
    request.post(`${attempt}/events`, {
      data: {
        writer: "w",
        start: piece,
        end: piece + 1,
        records: [],
        points: steps.map((step) => ({ name: "loss", step, time_ms: START_MS + step, value: step / 8 })),
      },
    });
  try {
    expect((await log(0, [0, 1, 2, 3, 4])).ok()).toBe(true);
    await page.goto(`/runs/${id}?tab=charts`);
    const plot = chart(page, "loss").getByRole("group", { name: /Chart of loss/ });
    await expect(plot).toHaveAccessibleName("Chart of loss: 5 points, last 0.5");

    const asked = page.waitForRequest(
      (one) => one.url().endsWith("/series/query") && one.postDataJSON().from === 4,
    );
    expect((await log(1, [5, 6, 7, 8])).ok()).toBe(true);
    expect((await (await asked).response())?.ok()).toBe(true);
    await expect(plot).toHaveAccessibleName("Chart of loss: 9 points, last 1");

    const reset = page.getByRole("button", { name: "Reset zoom" });
    await plot.press("+");
    await expect(reset).toBeVisible();
    await plot.press("ArrowRight");
    await plot.press("0");
    await expect(reset).toHaveCount(0);
    const over = chart(page, "loss").locator(".u-over");
    await over.hover();
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -200);
    await page.keyboard.up("Control");
    await expect(reset).toBeVisible();
    await over.dblclick();
    await expect(reset).toHaveCount(0);
  } finally {
    await page.goto("about:blank");
    await request.post(`${attempt}/finish`, {
      data: { ended_at: START_MS + 60_000, state: "finished", exit: { code: 0 } },
    });
    await request.post("/api/v1/deletions", { data: { action: "purge", project: `${maker.project}-live` } });
  }
});
