/** The runs workspace: columns, eyes, charts beside the table, bulk changes, saved views, and large tables. */

import type { Page } from "@playwright/test";
import { expect, expectAccessible, expectStatus, test } from "./fixtures";
import type { Point } from "./maker";

const status = (page: Page) => page.locator(".status-line");
const heads = (page: Page) => page.locator("thead th .sort .truncate");

function points(at: number): Point[] {
  return Array.from({ length: 20 }, (_, step) => ({
    name: "loss",
    step,
    time_ms: step,
    value: 1 / (step + 1) + at / 10,
  }));
}

async function inMenu(page: Page, column: string, item: string) {
  await page.getByRole("columnheader", { name: column }).hover();
  await page.getByRole("button", { name: `Column ${column}`, exact: true }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
}

test("columns are pinned, moved, resized and hidden; panes are split; all of it stays in the address", async ({
  page,
  maker,
}) => {
  await maker.runs({ names: ["one", "two"], params: { lr: "0.1" }, points });
  await page.goto(`/p/${maker.project}?cols=state,seed,params.lr,metrics.loss`);
  await expect(heads(page)).toHaveText(["Name", "State", "Seed", "lr", "loss"]);
  // Curves of the first metric that has one stand in its cells.
  await expect(page.getByRole("img", { name: /^loss from/ })).toHaveCount(2);
  await inMenu(page, "loss", "Pin at the left");
  await expect(heads(page)).toHaveText(["Name", "loss", "State", "Seed", "lr"]);
  await inMenu(page, "lr", "Move left");
  await expect(heads(page)).toHaveText(["Name", "loss", "State", "lr", "Seed"]);
  await inMenu(page, "State", "Hide");
  await inMenu(page, "loss", "Hide curves");
  await expect(page.getByRole("img", { name: /^loss from/ })).toHaveCount(0);
  const edge = page.getByRole("separator", { name: "Width of lr" });
  const width = Number(await edge.getAttribute("aria-valuenow"));
  await edge.focus();
  await edge.press("ArrowRight");
  await expect(edge).toHaveAttribute("aria-valuenow", String(width + 16));

  const split = page.getByRole("separator", { name: "Width of the table" });
  await split.focus();
  await split.press("ArrowLeft");
  await expect(split).toHaveAttribute("aria-valuenow", "50");
  await expectAccessible(page);
  await page.reload();
  await expect(heads(page)).toHaveText(["Name", "loss", "lr", "Seed"]);
  await expect(edge).toHaveAttribute("aria-valuenow", String(width + 16));
  await expect(split).toHaveAttribute("aria-valuenow", "50");

  const panes = page.getByRole("group", { name: "What is on screen" });
  await panes.getByRole("button", { name: "Charts", exact: true }).click();
  await expect(page.getByRole("region", { name: "Charts", exact: true })).toBeVisible();
  await expect(page.getByRole("region", { name: "Runs", exact: true })).toHaveCount(0);
  await panes.getByRole("button", { name: "Table", exact: true }).click();
  await expect(page.getByRole("region", { name: "Charts", exact: true })).toHaveCount(0);
  await expect(page).toHaveURL(/show=table/);
});

test("eyes choose what is charted; ranges and all that match are picked, tagged and archived", async ({
  page,
  maker,
}) => {
  const names = Array.from({ length: 14 }, (_, i) => `run ${String(i).padStart(2, "0")}`);
  await maker.runs({ names, points });
  await page.goto(`/p/${maker.project}?sort=name&cols=state,metrics.loss,tags.kept`);
  const charts = page.getByRole("region", { name: "Charts", exact: true });
  await expect(charts).toContainText("Charts of 10 runs of 14");
  const eye = (name: string) => page.getByRole("button", { name: `Chart ${name}`, exact: true });
  await expect(eye("run 09")).toHaveAttribute("aria-pressed", "true");
  await expect(eye("run 10")).toHaveAttribute("aria-pressed", "false");
  await eye("run 03").click();
  await expect(charts).toContainText("Charts of 9 runs");
  await eye("run 12").click();
  await expect(charts).toContainText("Charts of 10 runs");
  await page.reload();
  await expect(eye("run 12")).toHaveAttribute("aria-pressed", "true");
  await expect(eye("run 03")).toHaveAttribute("aria-pressed", "false");

  const check = (name: string) => page.getByRole("checkbox", { name: `Check ${name}`, exact: true });
  await check("run 02").click();
  await check("run 05").click({ modifiers: ["Shift"] });
  const bar = page.getByRole("region", { name: "Checked runs" });
  await expect(bar).toContainText("4 runs checked");
  await bar.getByRole("button", { name: "Chart only these" }).click();
  await expect(charts).toContainText("Charts of 4 runs");
  await bar.getByRole("button", { name: "Tag" }).click();
  const dialog = page.getByRole("dialog", { name: "Tag 4 runs" });
  await dialog.getByLabel("Tag", { exact: true }).fill("kept");
  await dialog.getByLabel("Value").fill("yes");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Set on 4 runs" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.locator("tbody").getByText("yes", { exact: true })).toHaveCount(4);
  await bar.getByRole("button", { name: "Archive" }).click();
  await expect(status(page)).toContainText("10 runs");
  await expect(status(page)).toContainText("4 archived left out");
  await expect(check("run 03")).toHaveCount(0);
  await status(page).getByRole("button", { name: "Show them" }).click();
  await expect(page.locator("tbody .badge", { hasText: "archived" })).toHaveCount(4);
  await page.getByRole("checkbox", { name: "Check all 14 runs that match" }).click();
  await expect(bar).toContainText("14 runs checked");
  await expect(bar.getByRole("link", { name: "Compare 14" })).toBeVisible();
  await bar.getByRole("button", { name: "Unarchive" }).click();
  await expect(bar).toHaveCount(0);
  await status(page).getByRole("button", { name: "Leave them out" }).click();
  await expect(status(page)).toContainText("14 runs");
  await expect(status(page)).not.toContainText("archived");
});

test("seeds are grouped with one press, and charted as groups", async ({ page, maker }) => {
  await maker.runs({ names: ["a0", "a1", "a2"], experiment: "a", points });
  await maker.runs({ names: ["b0", "b1"], experiment: "b", points });
  await page.goto(`/p/${maker.project}?cols=metrics.loss`);
  await page.getByRole("button", { name: "Group seeds" }).click();
  await expect(status(page)).toContainText("2 groups");
  await expect(page.getByRole("row", { name: /3 runs/ })).toContainText("n = 3");
  const charts = page.getByRole("region", { name: "Charts", exact: true });
  await expect(charts).toContainText("Charts of 2 groups");
  await page.getByRole("button", { name: /^Chart .*experiment a,/ }).click();
  await expect(charts).toContainText("Charts of 1 group");
});

test("2,000 columns and 250 runs: only what is on screen exists, anywhere in the table", async ({
  page,
  maker,
}) => {
  const names = Array.from({ length: 250 }, (_, i) => `many ${String(i).padStart(3, "0")}`);
  await maker.runs({ names, params: { p1999: "the last" } });
  const cols = Array.from({ length: 2000 }, (_, i) => `params.p${i}`).join(",");
  // So many names come by a saved view: a link that spells them out is longer than servers take.
  const body = { version: 1, search: { show: "table", sort: "name", cols } };
  const made = await page.request.post("/api/v1/documents", {
    data: { kind: "view", project: maker.project, name: "Wide", body },
  });
  const { id } = (await made.json()) as { id: string };
  await page.goto(`/p/${maker.project}?view=${id}`);
  await expect(status(page)).toContainText("250 runs");
  const table = page.getByRole("region", { name: "Runs", exact: true });
  await expect(page.getByRole("link", { name: "many 000" })).toBeVisible();
  expect(await page.locator("tbody td").count()).toBeLessThan(1500);
  await table.evaluate((element) => element.scrollTo(1e6, 0));
  await expect(page.getByRole("columnheader", { name: "p1999" })).toBeVisible();
  await expect(page.getByText("the last").first()).toBeVisible();
  // Straight to the end: what lies between is not fetched.
  const asked: number[] = [];
  page.on("request", (request) => {
    const body: unknown = request.url().endsWith("/runs/search") ? request.postDataJSON() : undefined;
    const offset = (body as { offset?: number } | undefined)?.offset;
    if (offset !== undefined) asked.push(offset);
  });
  await table.evaluate((element) => element.scrollTo(1e6, 1e7));
  await expect(page.getByRole("link", { name: "many 249" })).toBeVisible();
  await expect(page.getByText("the last").first()).toBeVisible();
  expect(new Set(asked)).toEqual(new Set([200]));
  expect(await page.locator("tbody tr").count()).toBeLessThan(80);
  await page.request.delete(`/api/v1/documents/${id}`);
});

test("a view is saved, shared, changed, renamed and deleted; a conflict is told", async ({
  page,
  maker,
  complaints,
}) => {
  await maker.runs({ names: ["one", "two"], points });
  await page.goto(`/p/${maker.project}?sort=name&cols=state,metrics.loss&split=40`);
  const open = async (name: string) => {
    await page.getByRole("button", { name }).click();
    return page.getByRole("dialog", { name: "Views" });
  };
  const empty = await open("Views");
  await expect(empty).toContainText("No view is saved yet");
  await empty.getByRole("button", { name: "Save as a view" }).click();
  const naming = page.getByRole("dialog", { name: "Save as a view" });
  await naming.getByLabel("Name").fill("Mine");
  await expectAccessible(page);
  await naming.getByRole("button", { name: "Save" }).click();
  await expect(page).toHaveURL(/view=.+rev=1/);
  const id = new URL(page.url()).searchParams.get("view")?.replaceAll('"', "") ?? "";

  // The link alone brings everything back.
  await page.goto(`/p/${maker.project}?view=${id}`);
  await expect(heads(page)).toHaveText(["Name", "State", "loss"]);
  await expect(page.getByRole("separator", { name: "Width of the table" })).toHaveAttribute(
    "aria-valuenow",
    "40",
  );
  await expect(page.locator(".view-mark")).toHaveCount(0);
  await inMenu(page, "State", "Hide");
  await expect(page.locator(".view-mark")).toHaveText("changed");
  await (await open("Mine")).getByRole("button", { name: "Save", exact: true }).click();
  await expect(page).toHaveURL(/rev=2/);
  await expect(page.locator(".view-mark")).toHaveCount(0);
  await expect(page.getByRole("dialog")).toHaveCount(0);

  // Somebody else saves it meanwhile.
  const path = `/api/v1/documents/${id}`;
  const stored = (await (await page.request.get(path)).json()) as { body: { search: object } };
  const theirs = { version: 1, search: { ...stored.body.search, sort: "name desc" } };
  const put = await page.request.put(path, { data: { name: "Mine", body: theirs, revision: 2 } });
  expect(put.ok()).toBe(true);
  await inMenu(page, "loss", "Largest first");
  await (await open("Mine")).getByRole("button", { name: "Save", exact: true }).click();
  const menu = page.getByRole("dialog", { name: "Views" });
  await expect(menu).toContainText("Somebody saved this view after you opened it");
  expectStatus(complaints, 409);
  await menu.getByRole("button", { name: "Take theirs" }).click();
  await expect(page).toHaveURL(/sort=name(\+|%20)desc/);
  await (await open("Mine")).getByRole("button", { name: "Rename…" }).click();
  const renaming = page.getByRole("dialog", { name: "Rename the view" });
  await renaming.getByLabel("Name").fill("Ours");
  await renaming.getByRole("button", { name: "Rename" }).click();
  await (await open("Ours")).getByRole("button", { name: "Delete…" }).click();
  await page
    .getByRole("dialog", { name: /^Delete the view/ })
    .getByRole("button", { name: "Delete the view" })
    .click();
  await expect(page).not.toHaveURL(/view=/);
  expect((await page.request.get(path)).status()).toBe(404);
});
