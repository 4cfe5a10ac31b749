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
  const classes = page.getByRole("region", { name: "Scores of each class" });
  await expect(classes.getByRole("rowheader")).toHaveCount(10);
  // The hardest class first.
  const scores = (await classes.locator("td:nth-child(5)").allTextContents()).map(Number);
  expect(scores).toEqual([...scores].sort((a, b) => a - b));
  expect(Math.max(...scores)).toBeGreaterThan(0.5);
  await expectAccessible(page);
});

test("config tells where each value came from and filters what changed", async ({ page, finished }) => {
  await page.goto(`/runs/${finished.id}?tab=config`);
  await expect(page.getByRole("rowheader").first()).toBeVisible();
  await expect(page.locator("tbody .badge").first()).toBeVisible();
  const all = await page.locator("tbody tr").count();
  await page.getByRole("button", { name: /^Changed from default/ }).click();
  await expect.poll(() => page.locator("tbody tr").count()).toBeLessThan(all);
  await page.getByRole("button", { name: "YAML / JSON" }).click();
  await expect(page.locator("pre.code-block")).toContainText("params:");
  await page.getByRole("button", { name: "JSON", exact: true }).click();
  await expect(page.locator("pre.code-block")).toContainText("{");
  await expectAccessible(page);
});

test("provenance, system and artifacts show what was recorded", async ({ page, finished }) => {
  await page.goto(`/runs/${finished.id}?tab=provenance`);
  await expect(page.getByText("Nobody has run it again yet.")).toBeVisible();
  await expect(page.getByRole("button", { name: `Copy mlhub reproduce ${finished.id}` })).toBeVisible();
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

const PATCH = `diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -1,2 +1,2 @@
 import torch
-lr = 0.1
+lr = 0.3
diff --git a/notes.md b/notes.md
new file mode 100644
--- /dev/null
+++ b/notes.md
@@ -0,0 +1 @@
+wider
`;

test("name, tags and notes are changed in place, and nobody's notes are lost", async ({
  page,
  maker,
  request,
}) => {
  const [run] = await maker.runs({ names: ["first name"] });
  await page.goto(`/runs/${run?.id}`);
  await page.getByRole("button", { name: "Rename the run" }).click();
  await page.getByRole("textbox", { name: "Name of the run" }).fill("second name");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("second name");
  await expect(page.getByRole("button", { name: "Rename the run" })).toBeFocused();

  await page.getByRole("textbox", { name: "New tag" }).fill("stage=baseline");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("list", { name: "Tags" })).toContainText("baseline");
  await page.getByRole("button", { name: "Remove the tag stage" }).click();
  await expect(page.getByRole("list", { name: "Tags" })).toHaveCount(0);

  await page.getByRole("button", { name: "Write", exact: true }).click();
  const notes = page.getByRole("textbox", { name: "Notes in Markdown" });
  await notes.fill(
    "## Why\n\n**wide** <img src=x onerror=alert(1)> [site](javascript:alert(1)) ![p](https://example.org/p.png)\n\n- [x] done",
  );
  await page.getByRole("button", { name: "Preview" }).click();
  const preview = page.locator(".markdown");
  await expect(preview.getByRole("heading", { name: "Why" })).toBeVisible();
  await expect(preview.locator("img")).toHaveCount(0);
  await expect(preview.locator('a[href^="javascript"]')).toHaveCount(0);
  await expect(preview.getByRole("link", { name: "p" })).toHaveAttribute("rel", /noopener/);
  await expectAccessible(page);
  // Somebody else writes in the meantime.
  const path = `/api/v1/runs/${run?.id}`;
  expect((await request.patch(path, { data: { notes: "theirs" } })).ok()).toBe(true);
  await page.getByRole("button", { name: "Save notes" }).click();
  await expect(page.getByRole("alert")).toContainText("theirs");
  await page.getByRole("button", { name: "Put theirs below mine" }).click();
  await page.getByRole("button", { name: "Save notes" }).click();
  await expect(page.getByRole("button", { name: "Edit", exact: true })).toBeFocused();
  const saved = String((await (await request.get(path)).json()).notes);
  expect([saved.startsWith("## Why"), saved.endsWith("theirs")]).toEqual([true, true]);
});

test("the head goes to tabs by keyboard, to other runs, and compares", async ({ page, maker }) => {
  const [older, run] = await maker.runs({ names: ["older one", "newer one"] });
  await page.goto(`/runs/${run?.id}?tab=config`);
  await page.getByRole("link", { name: "Config", exact: true }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("link", { name: "System", exact: true })).toBeFocused();
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "1 attempt" })).toBeVisible();
  await expect(page.locator('.tab[aria-current="page"]')).toHaveText("Overview");
  // Both were made at once, so the order of their ids decides which is the older.
  await page.getByRole("link", { name: /^(Older|Newer) run of this experiment$/ }).click();
  await expect(page).toHaveURL(new RegExp(`/runs/${older?.id}`));
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("searchbox", { name: "Find a run" }).fill("newer");
  await expect(dialog.getByRole("button", { name: /newer one/ })).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole("searchbox").press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await dialog.getByRole("button", { name: /newer one/ }).click();
  await expect(page).toHaveURL(new RegExp(`/compare\\?runs=${older?.id}`));
});

test("config, packages and patch are read, and set against another run", async ({ page, maker }) => {
  const snapshot = (lr: number, torch: string, patch: string) => ({
    config: { params: { lr, depth: 4 } },
    code: {
      vcs: "git",
      commit: "abc123",
      dirty: true,
      patch,
      untracked: { "scratch.py": "b5a2785879a3e29d" },
    },
    environment: { packages: [`torch==${torch}`, "numpy==2.0.0"] },
    command: ["python", "train.py"],
  });
  const [other] = await maker.runs({ names: ["before"], snapshot: snapshot(0.1, "2.4.0", "") });
  const [run] = await maker.runs({ names: ["after"], snapshot: snapshot(0.3, "2.5.1", PATCH) });
  await page.goto(`/runs/${run?.id}?tab=config`);
  await page.getByRole("button", { name: "params" }).click();
  await expect(page.getByRole("rowheader", { name: "lr" })).toHaveCount(0);
  await page.getByRole("button", { name: "Compare with a run" }).click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /before/ })
    .click();
  const differences = page.getByRole("region", { name: "Differences of the configs" });
  await expect(differences.getByRole("row")).toHaveCount(2);
  await expect(differences.getByRole("row", { name: "params.lr 0.3 0.1" })).toBeVisible();
  await expectAccessible(page);

  await page.goto(`/runs/${run?.id}?tab=provenance&other=${other?.id}`);
  await expect(page.getByRole("row", { name: /torch 2.5.1 2.4.0 changed/ })).toBeVisible();
  await expect(page.getByRole("row", { name: /numpy/ })).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Uncommitted changes in 2 files" })).toBeVisible();
  await expect(page.getByText("lr = 0.3")).toBeVisible();
  await page.getByRole("button", { name: "Side by side" }).click();
  await expect(page.locator(".patch-row.pair", { hasText: "lr = 0.1" })).toContainText("lr = 0.3");
  await page.getByRole("button", { name: /^train.py/ }).click();
  await expect(page.getByText("lr = 0.3")).toHaveCount(0);
  await expect(page.getByRole("button", { name: `Copy mlhub reproduce ${run?.id}` })).toBeVisible();
  await expectAccessible(page);
});

test("artifacts fold, are found, and are shown without running anything", async ({ page, maker }) => {
  const file = (path: string, text: string) => ({ path, kind: "file", bytes: Buffer.from(text) });
  const [run] = await maker.runs({
    names: ["files"],
    artifacts: [
      file("artifacts/tables/rows.csv", 'id,said\n1,"<b>bold</b>, yes"\n'),
      file("artifacts/report.json", '{"scores":{"f1":0.5}}'),
      file("artifacts/page.html", "<script>document.title='run'</script>"),
      file("checkpoints/1.bin", "x"),
    ],
  });
  await page.goto(`/runs/${run?.id}?tab=artifacts`);
  await page.getByRole("button", { name: /^tables/ }).click();
  await expect(page.getByRole("button", { name: "Open artifacts/tables/rows.csv" })).toHaveCount(0);
  await page.getByRole("searchbox", { name: "Find an artifact" }).fill("rows");
  await page.getByRole("button", { name: "Open artifacts/tables/rows.csv" }).click();
  await expect(page.getByRole("cell", { name: "<b>bold</b>, yes" })).toBeVisible();
  await expect(page).toHaveURL(/file=artifacts/);
  await expect(page.getByRole("heading", { name: "Versions in this project" })).toBeVisible();
  await expectAccessible(page);
  await page.goto(`/runs/${run?.id}?tab=artifacts&file=artifacts/report.json`);
  await expect(page.getByText("f1: ")).toBeVisible();
  await page.goto(`/runs/${run?.id}?tab=artifacts&file=artifacts/page.html`);
  await expect(page.getByText("<script>document.title='run'</script>")).toBeVisible();
  await expect(page).not.toHaveTitle("run");
});
