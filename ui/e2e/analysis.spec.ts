/** Analysis charts on the compare page, and the evaluations of several runs over each other. */

import { expect, expectAccessible, test } from "./fixtures";
import { START_MS } from "./maker";

const RATES = ["0.0001", "0.001", "0.01", "0.1"];

test("parallel coordinates are brushed and rearranged by keyboard and mouse; scatter and bars follow", async ({
  page,
  maker,
}) => {
  const ids: string[] = [];
  for (const [at, lr] of RATES.entries()) {
    const value = (name: string, number: number | "NaN") => ({
      name,
      step: 1,
      time_ms: START_MS,
      value: number,
    });
    const made = await maker.runs({
      names: [`lr-${lr}-s1`, `lr-${lr}-s2`],
      params: { lr, optimizer: at % 2 === 0 ? "adam" : "sgd" },
      points: (seed) => [
        value("accuracy", at === 3 ? "NaN" : 0.5 + at / 10 + seed / 100),
        value("cost", 10 - at + seed),
      ],
    });
    ids.push(...made.map((run) => run.id));
  }
  await page.goto(`/compare?runs=${ids.join(",")}`);
  const part = page.locator("#analysis");
  await part.scrollIntoViewIfNeeded();
  const analysis = part.getByRole("region", { name: "Analysis", exact: true });
  const told = analysis.getByRole("status");
  await told.waitFor();
  await expect(told).toHaveText("8 runs");
  await expect(analysis.getByRole("button", { name: /^Axis / }).first()).toHaveText("lr");
  await expectAccessible(page);

  // The ends of a brush are sliders. The axis of the rates is logarithmic: they span three decades.
  const from = analysis.getByRole("slider", { name: "lr from" });
  await from.fill("39");
  await from.press("ArrowRight");
  await expect(from).toHaveAttribute("aria-valuetext", "0.001585");
  await expect(told).toHaveText("4 of 8 runs inside the brushes");
  await analysis.getByRole("button", { name: "Clear brushes" }).click();
  await expect(told).toHaveText("8 runs");

  // Dragged over its lower half, the axis keeps the lower rates.
  const zone = analysis.locator(".axis", { hasText: "lr" }).first().locator(".brush-zone");
  await zone.scrollIntoViewIfNeeded();
  const box = await zone.boundingBox();
  if (!box) throw new Error("the axis has no room");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height - 1);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height * 0.55, { steps: 4 });
  await page.mouse.up();
  await expect(told).toHaveText("4 of 8 runs inside the brushes");

  // Axes move by arrow keys and by their menu.
  const axes = () => analysis.getByRole("button", { name: /^Axis / }).allTextContents();
  const before = await axes();
  await analysis.getByRole("button", { name: "Axis lr", exact: true }).press("ArrowRight");
  await expect.poll(axes).toEqual([before[1], before[0], ...before.slice(2)]);
  await analysis.getByRole("button", { name: "Options of axis lr" }).press("Enter");
  await page.getByRole("menuitem", { name: "Remove the axis" }).press("Enter");
  await expect.poll(axes).toEqual(before.slice(1));
  await expect(told).toHaveText("8 runs");
  const axis = analysis.getByRole("combobox", { name: "Add an axis" });
  const options = page.getByRole("listbox").getByRole("option");
  await axis.scrollIntoViewIfNeeded();
  await axis.click();
  await options.first().waitFor();
  await axis.fill("lr");
  await expect(options).toHaveText([/^lr params\.lr/]);
  await axis.press("ArrowDown");
  await axis.press("Enter");
  await expect.poll(axes).toEqual([...before.slice(1), "lr"]);

  await analysis.getByRole("button", { name: "Scatter" }).click();
  const x = analysis.getByRole("combobox", { name: "X" });
  await x.click();
  await options.first().waitFor();
  await x.fill("cost");
  await expect(options).toHaveText([/^cost/]);
  await x.press("ArrowDown");
  await x.press("Enter");
  await expect(analysis.getByText("6 runs drawn")).toBeVisible();
  await expect(analysis.getByText("not drawn: accuracy: 2 NaN")).toBeVisible();
  await analysis.getByLabel("Pareto front").check();
  await expect(analysis.getByText("2 runs on the Pareto front")).toBeVisible();
  await analysis.getByLabel("Line of least squares").check();
  await expect(analysis.getByText(/^line: R²/)).toBeVisible();
  const dots = analysis.getByRole("button", { name: /^6 runs: accuracy over cost/ });
  await dots.press("ArrowRight");
  await expect(told).toContainText("lr-0.01-s1");
  await expectAccessible(page);

  await analysis.getByRole("button", { name: "Bars", exact: true }).click();
  const groups = analysis.getByRole("region", { name: "accuracy with intervals" });
  await expect(groups.getByRole("row", { name: /^lr-0.01 .*interval .* 0.7050 2$/ })).toBeVisible();
  await expect(analysis.getByText("2 runs without a finite value")).toBeVisible();
  await expect(analysis.getByText("The axis does not start at zero.")).toBeVisible();
  await analysis.getByRole("button", { name: "Bars from zero" }).click();
  await expect(analysis.getByText("The axis does not start at zero.")).toHaveCount(0);
  await analysis.getByRole("button", { name: "Table", exact: true }).click();
  await expect(analysis.getByRole("cell", { name: "NaN" })).toHaveCount(2);
  await analysis.getByRole("button", { name: "lr-0.1-s1" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("lr-0.1-s1");
});

test("evaluations of a seed group are laid over each other", async ({ page, runs, finished }) => {
  const group = runs.filter((run) => run.group === finished.group && run.state === "finished");
  expect(group.length).toBeGreaterThan(1);
  await page.goto(`/compare?runs=${group.map((run) => run.id).join(",")}`);
  const panel = page.locator("#evaluation");
  await panel.scrollIntoViewIfNeeded();
  const roc = panel.getByRole("img", { name: /^ROC of class / });
  await roc.waitFor();
  await expect(roc.locator("path.curve")).toHaveCount(group.length);
  const legend = panel.getByRole("button", { name: finished.name });
  await legend.focus();
  await expect(roc.locator("polygon.curve-band")).toHaveCount(1);
  await expect(roc.locator("path.curve.dimmed")).toHaveCount(group.length - 1);
  await legend.press("Enter");
  await expect(roc.locator("path.curve")).toHaveCount(group.length - 1);
  await panel.getByRole("button", { name: "Calibration" }).click();
  await expect(panel.locator("path.whisker").first()).toBeVisible();
  await panel.getByRole("button", { name: "Confusion" }).click();
  await expect(panel.locator("table.matrix")).toHaveCount(group.length);
  await expectAccessible(page);
});

test("the evaluation reads curves at a point and normalises by what was predicted", async ({
  page,
  finished,
}) => {
  await page.goto(`/runs/${finished.id}?tab=evaluation`);
  const roc = page.getByRole("img", { name: "Receiver operating characteristic" });
  await roc.scrollIntoViewIfNeeded();
  const box = await roc.boundingBox();
  if (!box) throw new Error("the chart has no room");
  await page.mouse.move(box.x + box.width * 0.13, box.y + box.height * 0.06);
  const panel = page.locator("section.panel", { has: roc });
  await expect(panel.getByText(/^threshold /)).toBeVisible();
  await expect(panel.getByText(/^true positive rate .*\(.* to .*\)$/)).toBeVisible();
  await page.getByRole("button", { name: "Share of predicted" }).click();
  const matrix = page.locator("table.matrix");
  const shares = (await matrix.locator("td:nth-child(2)").allTextContents()).map((text) =>
    Number.parseFloat(text),
  );
  const sum = shares.reduce((total, share) => total + share, 0);
  expect(Math.abs(sum - 100)).toBeLessThan(1);
  await page.getByText("Most frequent mistakes").first().click();
  await expect(page.getByText(/ taken for /).first()).toBeVisible();
});
