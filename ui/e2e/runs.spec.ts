/** The runs table: what it shows, and that the hub does the searching, sorting and grouping. */

import type { Page } from "@playwright/test";
import { expect, expectAccessible, expectStatus, test } from "./fixtures";

const NO_MATCH = "'no-run-is-called-like-this'";

function box(page: Page) {
  return page.getByRole("combobox", { name: "Query" });
}

/** Texts of the column, as the table shows it from top to bottom; none before it is there. */
async function column(page: Page, name: string): Promise<string[]> {
  const head = page.locator("thead th", { has: page.getByText(name, { exact: true }) }).first();
  if ((await head.count()) === 0) return [];
  const cells = page.locator(`tbody td[aria-colindex="${await head.getAttribute("aria-colindex")}"]`);
  return (await cells.allTextContents()).map((text) => text.trim());
}

test("lists all runs of the hub", async ({ page, finished, runs }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "All runs" })).toBeVisible();
  await expect(page.locator(".status-line")).toContainText(`${runs.length} runs`);
  await expect(page.getByRole("link", { name: finished.name, exact: true }).first()).toBeVisible();
  await expectAccessible(page);
});

test("searches on the hub and keeps the query in the address", async ({ page, finished }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "All runs" })).toBeVisible();
  await page.keyboard.press("/");
  await expect(box(page)).toBeFocused();
  await box(page).fill(`name = '${finished.name}' and state = finished`);
  await expect(page).toHaveURL(/query=/);
  await expect(page.getByRole("link", { name: finished.name, exact: true }).first()).toBeVisible();
  await box(page).fill(NO_MATCH);
  await expect(page.getByRole("heading", { name: "No run matches" })).toBeVisible();
  await page.reload();
  await expect(box(page)).toHaveValue(NO_MATCH);
  await expect(page.getByRole("heading", { name: "No run matches" })).toBeVisible();
});

test("a mistake is pointed at, told and mended", async ({ page, finished, complaints }) => {
  await page.goto("/");
  await box(page).fill("state = finished and metrcs.x > 0");
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("no field `metrcs`");
  await expect(box(page)).toHaveAttribute("aria-invalid", "true");
  const [text = "", carets = ""] = ((await alert.locator("pre").textContent()) ?? "").split("\n");
  expect(text.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toMatch(/^metrcs/);
  // The runs found before stay.
  await expect(page.getByRole("link", { name: finished.name, exact: true }).first()).toBeVisible();
  await alert.getByRole("button", { name: "go to it" }).click();
  const selected = () =>
    box(page).evaluate((element) => {
      const { value, selectionStart, selectionEnd } = element as HTMLInputElement;
      return value.slice(selectionStart ?? 0, selectionEnd ?? 0);
    });
  expect(await selected()).toMatch(/^metrcs/);
  await expectAccessible(page);
  await alert.getByRole("button", { name: /^did you mean/ }).click();
  await expect(box(page)).toHaveValue(/metrics\.x/);
  await expect(alert).toHaveCount(0);
  // A name that no run has is no mistake, but it is told.
  await expect(page.locator(".query-notes")).toContainText("no run has");
  // A word alone is offered as a text to find.
  await box(page).fill("logistic");
  await alert.getByRole("button", { name: /^find the text/ }).click();
  await expect(box(page)).toHaveValue("'logistic'");
  expectStatus(complaints, 400);
});

test("completes fields, signs and values with the keyboard", async ({ page, finished }) => {
  await page.goto("/");
  await expect(page.getByRole("link", { name: finished.name, exact: true }).first()).toBeVisible();
  await box(page).pressSequentially("sta");
  const options = page.getByRole("listbox", { name: "Completions" });
  await expect(options.getByRole("option", { name: /^state/ })).toBeVisible();
  await box(page).press("ArrowDown");
  await expect(options.getByRole("option", { selected: true })).toHaveText(/^state/);
  await box(page).press("Enter");
  await expect(box(page)).toHaveValue("state ");
  await box(page).pressSequentially("= fin");
  await box(page).press("Tab");
  await expect(box(page)).toHaveValue("state = finished ");
  // A whole condition is sent by itself; what may follow is offered when asked for.
  await expect(options).toHaveCount(0);
  await expect(page).toHaveURL(/query=state/);
  await box(page).press("Control+Space");
  await expect(options.getByRole("option", { name: /^and/ })).toBeVisible();
  await box(page).press("Escape");
  await expect(options).toHaveCount(0);
});

test("sorts by several keys in the hub's order", async ({ page, maker }) => {
  for (const [lr, names] of [
    ["0.1", ["a", "b"]],
    ["0.01", ["c", "d"]],
  ] as const) {
    await maker.runs({
      names,
      params: { lr },
      points: (at) => [
        { name: "acc", step: 1, time_ms: 1, value: lr === "0.1" ? 0.5 + at / 10 : 0.9 - at / 10 },
      ],
    });
  }
  await page.goto(`/p/${maker.project}?cols=params.lr,metrics.acc`);
  const head = (name: string) => page.getByRole("columnheader", { name }).locator(".sort");
  await head("lr").click();
  await expect.poll(() => column(page, "Name")).toHaveLength(4);
  await expect(page.getByRole("columnheader", { name: "lr" })).toHaveAttribute("aria-sort", "ascending");
  await head("acc").click({ modifiers: ["Shift"] });
  await expect.poll(() => column(page, "Name")).toEqual(["c", "d", "b", "a"]);
  await head("lr").click({ modifiers: ["Shift"] });
  await expect.poll(() => column(page, "Name")).toEqual(["b", "a", "c", "d"]);
  await page.reload();
  await expect.poll(() => column(page, "Name")).toEqual(["b", "a", "c", "d"]);
  await head("Name").press("Enter");
  await expect.poll(() => column(page, "Name")).toEqual(["a", "b", "c", "d"]);
});

test("sorts by an evaluated metric in the hub's order", async ({ page, finished }) => {
  const metric = Object.keys(finished.intervals).sort()[0] ?? "";
  await page.goto(`/?cols=eval.${metric.replace("/", ".")}`);
  await page.getByRole("button", { name: metric, exact: true }).click();
  await expect(page).toHaveURL(/sort=eval/);
  await expect(page.getByRole("columnheader", { name: metric })).toHaveAttribute("aria-sort", "descending");
  await expect
    .poll(async () => {
      const cells = await column(page, metric);
      const numbers = cells.map((text) => Number(text.replace("−", "-"))).filter(Number.isFinite);
      return numbers.length > 1 && numbers.every((value, i) => i === 0 || value <= (numbers[i - 1] ?? value));
    })
    .toBe(true);
});

test("groups by a param with statistics of the hub, and unfolds the runs", async ({ page, maker }) => {
  const made = { "0.1": [0.5, 0.6, 0.7], "0.01": [0.9] };
  for (const [lr, values] of Object.entries(made)) {
    await maker.runs({
      names: values.map((_, i) => `lr ${lr} seed ${i}`),
      params: { lr },
      points: (at) => [{ name: "acc", step: 1, time_ms: 1, value: values[at] ?? 0 }],
    });
  }
  await page.goto(`/p/${maker.project}?cols=metrics.acc`);
  await page.getByRole("button", { name: "Group by" }).click();
  await page.getByRole("dialog", { name: "Group by" }).getByLabel("lr").check();
  await expect(page).toHaveURL(/group=params\.lr/);
  await expect(page.locator(".status-line")).toContainText("2 groups");
  await page.keyboard.press("Escape");
  const row = page.getByRole("row", { name: /3 runs/ });
  await expect(row).toContainText("0.6000 ± 0.1");
  await expect(row).toContainText("0.5 – 0.7");
  await expect(row).toContainText("n = 3");
  await page.getByRole("columnheader", { name: "acc" }).locator(".sort").click();
  await expect.poll(() => column(page, "lr")).toEqual(["0.01", "0.1"]);
  await row.getByRole("button", { name: /^Unfold/ }).click();
  await expect(page.getByRole("link", { name: "lr 0.1 seed 2" })).toBeVisible();
  await expectAccessible(page);
  await row.getByRole("checkbox").check();
  await page.getByRole("link", { name: "Compare 3" }).click();
  await expect(page.getByRole("heading", { name: "Comparison of 3 runs" })).toBeVisible();
});

test("filters by state, opens a project, chooses columns", async ({ page, finished }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "finished", exact: true }).click();
  await expect(page).toHaveURL(/state=finished/);
  await expect(page.locator("tbody .badge", { hasText: "finished" }).first()).toBeVisible();
  await page.getByRole("combobox", { name: "Project" }).selectOption(finished.project);
  await expect(page).toHaveURL(new RegExp(`/p/${encodeURIComponent(finished.project)}`));
  await page.getByRole("button", { name: "Columns" }).click();
  const chooser = page.getByRole("dialog", { name: "Columns" });
  await chooser.getByLabel("Owner", { exact: true }).check();
  // Only heads on screen exist, and what is added comes last.
  const isLast = async (name: string) =>
    expect
      .poll(async () => {
        await page.locator(".runs-scroll").evaluate((table) => {
          table.scrollLeft = table.scrollWidth;
        });
        return page.getByRole("columnheader", { name }).count();
      })
      .toBe(1);
  await isLast("Owner");
  await expect(page).toHaveURL(/cols=/);
  await chooser.getByRole("textbox").fill("group.count");
  await chooser.getByRole("button", { name: "Add group.count" }).click();
  await isLast("group.count");
  await page.keyboard.press("Escape");
  await expect(chooser).toHaveCount(0);
});

test("deletes runs after asking, restores them, and purges them with what that frees", async ({
  page,
  maker,
}) => {
  const [keep, drop] = await maker.runs({ names: ["kept", "dropped"], points: () => [] });
  await page.goto(`/p/${maker.project}`);
  await page.getByRole("checkbox", { name: "Check dropped" }).check();
  await page.getByRole("button", { name: "Delete 1" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Delete 1 run?");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("link", { name: "dropped" })).toBeVisible();
  await page.getByRole("button", { name: "Delete 1" }).click();
  await dialog.getByRole("button", { name: "Delete 1 run" }).click();
  await expect(dialog).toContainText("1 run deleted");
  await dialog.getByRole("link", { name: "See deleted runs" }).click();
  await expect(page).toHaveURL(/\/deleted/);
  await box(page).fill(`project = '${maker.project}'`);
  await expect(page.locator(".status-line")).toContainText("1 run");
  await expectAccessible(page);

  await page.getByRole("checkbox", { name: "Check dropped" }).check();
  await page.getByRole("button", { name: "Restore 1" }).click();
  await dialog.getByRole("button", { name: "Restore 1 run" }).click();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.goto(`/p/${maker.project}`);
  await expect(page.getByRole("link", { name: "dropped" })).toBeVisible();
  await expect(page.getByRole("link", { name: keep?.name ?? "" })).toBeVisible();

  await page.request.post("/api/v1/deletions", { data: { action: "delete", runs: [drop?.id] } });
  await page.goto(`/deleted?query=${encodeURIComponent(`project = '${maker.project}'`)}`);
  await page.getByRole("checkbox", { name: "Check dropped" }).check();
  await page.getByRole("button", { name: "Purge 1" }).click();
  await expect(dialog).toContainText("This cannot be undone");
  await expect(dialog).toContainText("records and metrics");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Purge 1 run" }).click();
  await expect(dialog).toContainText("1 run purged");
  await dialog.getByRole("link", { name: "See the ledger" }).click();
  const line = page.getByRole("row", { name: /Purged.*dropped/ }).first();
  await expect(line).toContainText(/\d+ (B|KiB)/);
  await expectAccessible(page);
});

test("a retention rule is listed and tried without doing anything", async ({ page, maker, request }) => {
  const [run] = await maker.runs({ names: ["aged"] });
  const rule = `e2e-${maker.project}`;
  const query = `project = '${maker.project}'`;
  await request.put(`/api/v1/retention/${rule}`, { data: { action: "purge", query, after_ms: 1000 } });
  await page.goto("/deleted?tab=retention");
  await expect(page.getByRole("rowheader", { name: rule })).toBeVisible();
  await page.getByRole("button", { name: `What would ${rule} remove now?` }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("aged");
  await expect(dialog).toContainText("This would free");
  await dialog.getByRole("button", { name: "Close" }).click();
  await expectAccessible(page);
  await request.delete(`/api/v1/retention/${rule}`);
  expect((await request.get(`/api/v1/runs/${run?.id}`)).ok()).toBe(true);
});

test("the shortcut sheet opens with ? and closes with Escape", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "All runs" })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});
