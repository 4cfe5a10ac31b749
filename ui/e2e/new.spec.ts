/** A new experiment: from an adapter to trained runs, what is wrong on the way, and a clone of a run. */

import type { APIRequestContext } from "@playwright/test";
import { expect, expectAccessible, test } from "./fixtures";

/** The text of the editor. */
const TEXT = "Experiment as YAML";
/** A hub that was built for debugging takes its time to look through the adapters. */
const SLOW = { timeout: 20_000 };

/** These tests train on the demo's dataset: a hub without it is the wrong hub. */
async function expectDigits(request: APIRequestContext): Promise<void> {
  const answer = await request.get("/api/v1/datasets");
  const { datasets } = (await answer.json()) as { datasets: { name: string }[] };
  expect(datasets.map((one) => one.name)).toContain("digits");
}

test("an experiment is written as form and text, which are one", async ({ page, maker, request }) => {
  await expectDigits(request);
  await page.goto(`/new?project=${maker.project}`);
  await page.getByRole("link", { name: "New experiment with native" }).click();
  const text = page.getByLabel(TEXT);
  const check = page.getByRole("region", { name: "Dry run" });
  // What is missing is told at its field.
  await expect(page.getByLabel("dataset", { exact: true })).toHaveAccessibleDescription(
    /needs a dataset/,
    SLOW,
  );
  await expect(page.getByRole("button", { name: "Smoke run" })).toBeDisabled();
  await page.getByLabel("dataset", { exact: true }).selectOption("digits");
  await page.getByLabel("target").fill("label");
  await expect(text).toHaveValue(/dataset:\n {2}name: digits\n {2}split:/);
  await expect(check.getByText("ready")).toBeVisible(SLOW);

  // A param from the form is in the text, and marked as changed.
  await page.getByLabel("max_depth", { exact: true }).fill("3");
  await expect(text).toHaveValue(/params:\n {2}max_depth: 3\n/);
  await expect(check.getByRole("row", { name: /max_depth 6 3/ })).toBeVisible(SLOW);

  // A mistake in the text is at its line and at its field, and leads there.
  const good = await text.inputValue();
  await text.fill(good.replace("max_depth: 3", "max_depth: deep # why not"));
  const mistakes = page.getByRole("list", { name: "Mistakes" });
  await expect(mistakes.getByRole("button")).toHaveText(/line \d+.*params\.max_depth/, SLOW);
  const depth = page.getByLabel("max_depth", { exact: true });
  await expect(depth).toHaveValue("deep");
  await expect(depth).toHaveAttribute("aria-invalid", "true");
  await mistakes.getByRole("button").click();
  await expect(depth).toBeFocused();
  await expectAccessible(page);
  await depth.fill("4");
  await expect(text).toHaveValue(/max_depth: 4 # why not/);
  await expect(check.getByText("ready")).toBeVisible(SLOW);

  // Nothing is lost by a reload; a reset takes the value out of the text.
  await page.reload();
  await expect(text).toHaveValue(/max_depth: 4 # why not/, SLOW);
  await page.getByRole("button", { name: "Reset max_depth" }).click();
  await expect(text).not.toHaveValue(/max_depth/);
  await expect(check.getByText("ready")).toBeVisible(SLOW);
});

test("a smoke run is started, followed and cloned", async ({ page, maker, request }) => {
  await expectDigits(request);
  await page.goto("/new?adapter=native");
  const text = page.getByLabel(TEXT);
  const check = page.getByRole("region", { name: "Dry run" });
  await text.fill(
    `# tried from the page\nproject: ${maker.project}\nname: smoke\nadapter: native\ndataset: {name: digits, target: label, split: {seed: 1, fractions: {train: 0.8, test: 0.2}}}\nparams: {max_depth: 4, l2: 2}\n`,
  );
  await expect(check.getByText("ready")).toBeVisible(SLOW);
  await page.getByRole("button", { name: "Smoke run" }).click();
  const launch = page.getByRole("region", { name: "Smoke run" });
  await expect(launch.getByRole("list", { name: "Runs" }).getByText("finished")).toBeVisible({
    timeout: 40_000,
  });
  await expectAccessible(page);
  await launch.getByRole("list", { name: "Runs" }).getByRole("link").click();
  await expect(page).toHaveURL(/\/runs\//);
  const id = page.url().split("/runs/")[1]?.split("?")[0] ?? "";
  const run = (await (await request.get(`/api/v1/runs/${id}`)).json()) as {
    project: string;
    tags: Record<string, string>;
    adapter: string;
  };
  expect(run).toMatchObject({ project: maker.project, tags: { smoke: "true" }, adapter: "native" });

  // Its clone is what was written, without what the smoke run replaced.
  await page.goto(`/new?from=${id}`);
  await expect(text).toHaveValue(new RegExp(`project: ${maker.project}\nname: smoke\n`), SLOW);
  await expect(text).toHaveValue(/params:\n {2}l2: 2\n/);
  await expect(page.getByText("params.rounds was set by the smoke run")).toBeVisible();
  await expect(check.getByText("ready")).toBeVisible(SLOW);
  await request.post("/api/v1/deletions", { data: { action: "purge", project: maker.project } });
});

test("text that is no YAML keeps the form away until it is repaired; commands need a root", async ({
  page,
}) => {
  await page.goto("/new?adapter=script");
  const text = page.getByLabel(TEXT);
  await text.fill("project: [p\nadapter: script\n");
  await expect(page.getByRole("heading", { name: "The text cannot be read as YAML" })).toBeVisible();
  await expect(page.getByRole("list", { name: "Mistakes" }).getByRole("button").first()).toBeVisible(SLOW);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Start over" }).click();
  const command = page.getByLabel("command", { exact: true });
  await expect(command).toHaveAccessibleDescription(/command/, SLOW);
  await command.fill("python3, train.py, --lr, 0.1");
  await expect(text).toHaveValue(/command: \[python3, train\.py, --lr, 0\.1\]/);
  await page.getByText("The same on the command line").click();
  await expect(page.getByRole("region", { name: "Commands" })).toContainText("mlhub run experiment.yaml");
});
