/** The frame: palette, shortcuts, titles, settings, the hub away, messages of ended runs; and the new pages. */

import { expect, expectAccessible, test } from "./fixtures";

test("the command palette finds pages, runs and actions with the keyboard alone", async ({
  page,
  finished,
}) => {
  await page.goto("/settings");
  await expect(page).toHaveTitle("Settings · Experiment Hub");
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Find anything" });
  await expect(palette.getByRole("menuitem", { name: "Datasets" })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.type("dtst");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/datasets$/);
  await expect(page).toHaveTitle("Datasets · Experiment Hub");

  await page.keyboard.press("Control+k");
  await page.keyboard.type(finished.name);
  await palette.getByRole("menuitem", { name: finished.name }).first().click();
  await expect(page).toHaveURL(/\/runs\/[a-z0-9]+$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(finished.name);

  await page.keyboard.press("Control+k");
  await page.keyboard.type("watch this");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("region", { name: "Messages" })).toContainText("Watched");
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Escape");
  await expect(palette).toHaveCount(0);
});

test("shortcuts are sequences, listed on a sheet, silent while typing and when switched off", async ({
  page,
}) => {
  await page.goto("/help");
  await expectAccessible(page);
  await page.keyboard.press("?");
  const sheet = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(sheet).toContainText("Go to");
  await expect(sheet.getByText("Adapters")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(sheet).toHaveCount(0);

  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Find an answer" })).toBeFocused();
  await page.keyboard.type("g dfail");
  await expect(page).toHaveURL(/\/help$/);
  await page.getByRole("searchbox", { name: "Find an answer" }).fill("failed");
  await expect(page.getByRole("heading", { name: "Find out why a run failed" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Register data" })).toHaveCount(0);

  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await expect(page).toHaveURL(/\/settings$/);
  const single = page.getByRole("switch", { name: "Single-key shortcuts" });
  await page.locator("label").filter({ has: single }).click();
  await expect(single).not.toBeChecked();
  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Find anything" })).toBeVisible();
  await expect(page).toHaveURL(/\/settings$/);
});

test("settings are kept: density, digits, time zone, folded navigation", async ({ page }) => {
  await page.goto("/settings");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Comfortable" }).click();
  await page.getByRole("combobox", { name: "Digits" }).selectOption("7");
  await expect(page.getByText("π is written 3.141593.")).toBeVisible();
  await page.getByRole("button", { name: "UTC" }).click();
  await expect(page.getByText(/This page was opened .*Z\./)).toBeVisible();
  await page.getByRole("button", { name: "Fold the navigation" }).click();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-density", "comfortable");
  await expect(page.getByText("π is written 3.141593.")).toBeVisible();
  const nav = page.getByRole("navigation", { name: "Main" });
  expect((await nav.boundingBox())?.width).toBeLessThan(80);
  await nav.getByRole("link", { name: "Datasets" }).click();
  await expect(page).toHaveURL(/\/datasets$/);
  await expectAccessible(page);
});

test("a hub that is away is told, with how long, and can be asked at once", async ({ page, complaints }) => {
  await page.goto("/help");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  let away = true;
  await page.route("**/api/v1/**", (route) => (away ? route.abort() : route.continue()));
  await page.reload();
  await expect(page.getByText("The hub does not answer.")).toBeVisible();
  await expect(page.getByText(/Away for \d+/)).toBeVisible();
  await expectAccessible(page);
  away = false;
  await page.getByRole("button", { name: "Try now" }).click();
  await expect(page.getByText("The hub does not answer.")).toHaveCount(0);
  // The browser itself reports what was refused.
  const others = complaints.filter((text) => !text.includes("ERR_FAILED"));
  complaints.splice(0, complaints.length, ...others);
});

test("the end of a run is told in the page and kept in a list", async ({ page, request, maker }) => {
  await page.goto("/settings");
  await page.getByRole("button", { name: "All runs" }).click();
  const [run] = await maker.begin(["told-when-it-ends"]);
  if (!run) throw new Error("no run was made");
  await page.goto("/home");
  await expect(page.getByRole("link", { name: run.name })).toBeVisible();
  await expect(page.getByText("3 of 10, epoch")).toBeVisible();
  await expectAccessible(page);
  const end = { ended_at: Date.now(), state: "failed", exit: { code: 1 } };
  const answer = await request.post(`/api/v1/runs/${run.id}/attempts/1/finish`, { data: end });
  expect(answer.ok(), await answer.text()).toBe(true);
  await expect(page.getByRole("region", { name: "Messages" })).toContainText(`${run.name} failed`);
  await page.getByRole("button", { name: /^What happened, \d+ unread$/ }).click();
  const list = page.getByRole("dialog", { name: "What happened" });
  await expect(list.getByRole("link", { name: run.name })).toBeVisible();
  await expectAccessible(page);
  await list.getByRole("link", { name: run.name }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(run.name);
  await expect(page.getByRole("button", { name: "What happened", exact: true })).toBeVisible();
});

test("projects, data lineage, adapters and the design page lead on and are accessible", async ({
  page,
  finished,
}) => {
  await page.goto("/projects");
  await page.getByRole("searchbox", { name: "Find a project" }).fill(finished.project);
  const card = page.getByRole("article", { name: finished.project, exact: true });
  await expect(card).toContainText(/\d+ runs/);
  await expectAccessible(page);

  await page.goto("/datasets");
  await page.getByRole("region", { name: "Datasets" }).getByRole("link").first().click();
  await expect(page.getByRole("heading", { name: "Used by" })).toBeVisible();
  await page.getByRole("link", { name: /^version 1: \d+ runs? in/ }).click();
  await expect(page.getByRole("heading", { name: "All runs" })).toBeVisible();
  await expect(page.locator("tbody tr").first()).toBeVisible();

  await page.goto("/adapters");
  await page.getByRole("button", { name: "resume" }).click();
  await expect(page.getByRole("region", { name: "script", exact: true })).toHaveCount(0);
  await page.getByRole("region", { name: "native", exact: true }).getByRole("link").first().click();
  await page.getByRole("searchbox", { name: "Find a param" }).fill("batch_size");
  await expect(page.getByRole("region", { name: "Params of native" })).toContainText("rows");
  await expectAccessible(page);

  await page.goto("/design");
  await expect(page.getByText("faint on panel")).toBeVisible();
  await page.getByRole("button", { name: "Menu", exact: true }).last().click();
  await page.getByRole("menuitem", { name: "Say something" }).click();
  await expect(page.getByRole("region", { name: "Messages" })).toContainText("Something");
  await expectAccessible(page);
});
