/** The compare page: metrics and verdicts, what differs, curves, media, and a link that brings all of it back. */

import { readFile } from "node:fs/promises";
import { type DemoRun, expect, expectAccessible, expectStatus, test } from "./fixtures";
import { picture, START_MS } from "./maker";

test("evaluated runs: words, intervals, baseline, seed groups, export and curves on each other", async ({
  page,
  request,
}) => {
  const answer = await request.post("/api/v1/runs/search", { data: { project: "digits", limit: 50 } });
  const { runs } = (await answer.json()) as { runs: DemoRun[] };
  const evaluated = runs.filter((run) => run.state === "finished" && Object.keys(run.intervals).length > 0);
  const groups = [...new Set(evaluated.map((run) => run.group))].slice(0, 2);
  const chosen = evaluated.filter((run) => groups.includes(run.group));
  const ids = chosen.map((run) => run.id);
  expect(ids.length).toBeGreaterThan(2);
  await page.goto(`/compare?runs=${ids.join(",")}`);
  await expect(page.getByRole("heading", { name: `Comparison of ${ids.length} runs` })).toBeVisible();
  await expect(page.getByText(new RegExp(`^${ids.length} runs of 2 groups`))).toBeVisible();
  const metrics = page.getByRole("region", { name: "Metrics of the runs" });
  await expect(metrics.locator("svg.interval").first()).toBeVisible();
  await expect(metrics.getByText("★").first()).toBeAttached();

  // The reader's baseline is in the link, and the differences are measured against it.
  const second = chosen[1];
  if (!second) throw new Error("two runs are needed");
  await expect(metrics.getByRole("columnheader").nth(1)).toContainText("baseline");
  await page.getByRole("button", { name: `Actions for ${second.name}` }).click();
  await page.getByRole("menuitem", { name: "Measure the others against it" }).click();
  await expect(page).toHaveURL(new RegExp(`baseline=${second.id}`));
  await expect(metrics.getByRole("columnheader").nth(2)).toContainText("baseline");

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export the metrics" }).click();
  await page.getByRole("menuitem", { name: /^Save as CSV/ }).click();
  const text = await readFile(await (await download).path(), "utf8");
  const [head = "", ...lines] = text.trimEnd().split("\r\n");
  expect(head).toContain(chosen[0]?.name);
  expect(lines.length).toBeGreaterThan(5);
  const first = Object.keys(chosen[0]?.intervals ?? {}).sort()[0] ?? "";
  const value = String(chosen[0]?.metrics[first]);
  expect(lines.find((line) => line.startsWith(`${first},`))?.split(",")).toContain(value);

  await page.getByRole("button", { name: "Seed groups" }).click();
  await expect(page).toHaveURL(/by=groups/);
  await expect(page.getByRole("region", { name: "Metrics over seeds" })).toContainText("±");
  await page.getByRole("searchbox", { name: "Find a metric" }).fill("accuracy");
  await expect(page.getByRole("rowheader", { name: /log_loss/ })).toHaveCount(0);

  const evaluation = page.locator("#evaluation");
  await evaluation.scrollIntoViewIfNeeded();
  await expect(evaluation.locator("path.curve")).toHaveCount(ids.length);
  await evaluation.getByRole("button", { name: "Confusion" }).click();
  await expect(evaluation.locator("table.matrix")).toHaveCount(ids.length);
  await page.locator("#curves").scrollIntoViewIfNeeded();
  await expectAccessible(page);
});

test("config, code, environment and media of two groups side by side", async ({ page, maker }) => {
  const snapshot = (lr: number, packages: string[], patch: string) => ({
    config: { params: { lr, optimiser: "adam" }, ...(lr > 0.1 && { warmup: 5 }) },
    environment: { packages, python_version: "3.12.1" },
    machine: { os: "Linux", gpus: [{ name: "A100" }] },
    code: { vcs: "git", commit: "c".repeat(40), dirty: true, patch },
  });
  const folder = "artifacts/media/samples";
  const media = (step: number) => ({
    artifacts: [{ path: `${folder}/${step}.png`, kind: "image", bytes: picture(16, step * 40) }],
    records: [
      { kind: "media", body: { type: "image", name: "samples", step, path: `${folder}/${step}.png` } },
    ],
    points: () =>
      [1, 2, 3].map((i) => ({ name: "loss", step: i, time_ms: START_MS + i, value: 1 / (i + step) })),
  });
  const [a] = await maker.runs({
    names: ["first"],
    experiment: "one",
    snapshot: snapshot(0.01, ["numpy==2.0", "torch==2.9"], "diff --git a/x b/x\n-old\n+new\n"),
    ...media(2),
  });
  const [b] = await maker.runs({
    names: ["second"],
    experiment: "two",
    snapshot: snapshot(0.5, ["numpy==2.1", "scipy==1.1"], "diff --git a/x b/x\n-old\n+newer\n"),
    ...media(4),
  });
  await page.goto(`/compare?runs=${a?.id},${b?.id}`);
  const config = page.getByRole("region", { name: "Config values side by side" });
  await expect(config.getByRole("row", { name: /^lr/ })).toContainText("changed: 0.5");
  await expect(config.getByRole("row", { name: /^warmup/ })).toContainText("added: 5");
  await expect(config.getByRole("row", { name: /^optimiser/ })).toHaveCount(0);
  await page
    .getByRole("group", { name: "Config values shown" })
    .getByRole("button", { name: "All", exact: true })
    .click();
  await expect(config.getByRole("row", { name: /^optimiser/ })).toContainText("adam");
  await expect(page).toHaveURL(/all=true/);

  await page.getByRole("link", { name: "Media", exact: true }).click();
  const media2 = page.getByRole("list", { name: "samples side by side" });
  // The first run has nothing at step 4: its last picture before is shown, and the step is told.
  await expect(media2.getByRole("img")).toHaveCount(2);
  await expect(media2.getByText("step 2")).toBeVisible();

  await page.locator("#code").scrollIntoViewIfNeeded();
  const patch = page.getByRole("region", { name: "Uncommitted changes" });
  await expect(patch.locator(".added")).toHaveText("+ +newer");
  await expect(patch.locator(".removed")).toHaveText("− +new");

  await page.locator("#environment").scrollIntoViewIfNeeded();
  const environment = page.getByRole("region", { name: "Environment and data side by side" });
  await expect(environment.getByRole("row", { name: /^numpy/ })).toContainText("changed: 2.1");
  await expect(environment.getByRole("row", { name: /^scipy/ })).toContainText("added: 1.1");
  await expect(environment.getByRole("row", { name: /^torch/ })).toContainText("absent here: absent");
  await expect(environment.getByRole("row", { name: /^Python version/ })).toHaveCount(0);
  await expectAccessible(page);
});

test("many runs: columns beyond the screen are not drawn, hidden ones stay in the link, gone ones are told", async ({
  page,
  maker,
  complaints,
}) => {
  const names = Array.from({ length: 40 }, (_, i) => `wide-${String(i).padStart(2, "0")}`);
  const made = await maker.runs({
    names,
    points: (at) => [{ name: "score", step: 1, time_ms: START_MS, value: at }],
  });
  const ids = made.map((run) => run.id);
  await page.goto(`/compare?runs=${ids.join(",")}`);
  const metrics = page.getByRole("region", { name: "Metrics of the runs" });
  await expect(metrics.getByRole("columnheader", { name: "wide-00" })).toBeVisible();
  expect(await metrics.locator("thead th").count()).toBeLessThan(20);
  await metrics.evaluate((element) => element.scrollTo({ left: element.scrollWidth }));
  await expect(metrics.getByRole("columnheader", { name: "wide-39" })).toBeVisible();
  await expect(metrics.getByRole("rowheader", { name: /^score/ })).toBeInViewport();

  await page.getByRole("button", { name: "Actions for wide-01" }).click();
  await page.getByRole("menuitem", { name: "Hide" }).click();
  await expect(page.getByRole("heading", { name: "Comparison of 39 runs" })).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`hidden=${ids[1]}`));
  await page.reload();
  await expect(page.getByRole("heading", { name: "Comparison of 39 runs" })).toBeVisible();
  await expect(page.getByRole("list", { name: "Runs compared" }).getByText("wide-01")).toBeVisible();

  await page.goto(`/compare?runs=${ids[0]},zzzzzzzzzzzz,${ids[1]}`);
  await expect(page.getByRole("heading", { name: "1 run of this link cannot be found" })).toBeVisible();
  await page.getByRole("button", { name: "Compare the others" }).click();
  await expect(page.getByRole("heading", { name: "Comparison of 2 runs" })).toBeVisible();
  // The browser itself reports the 404 of the missing run.
  expectStatus(complaints, 404);

  await page.goto("/compare");
  await expect(page.getByRole("heading", { name: "Nothing to compare yet" })).toBeVisible();
});
