/** Registered models: from the page of a run, past a gate or refused by it, and what is kept of it. */

import type { Page } from "@playwright/test";
import { expect, expectAccessible, expectStatus, test } from "./fixtures";
import { type MadeRun, type Maker, START_MS } from "./maker";

const ACCURACIES = [0.8, 0.95];

/** Two runs with a model of two files each, the second better. */
async function twoRuns(maker: Maker): Promise<[MadeRun, MadeRun]> {
  const [weak, strong] = await maker.runs({
    names: ["weak", "strong"],
    points: (at) => [{ name: "accuracy", step: 1, time_ms: START_MS, value: ACCURACIES[at] ?? 0 }],
    artifacts: [
      { path: "net/weights.bin", kind: "model", bytes: Buffer.from("weights") },
      { path: "net/labels.txt", kind: "file", bytes: Buffer.from("a\nb\n") },
    ],
  });
  if (!weak || !strong) throw new Error("no runs were made");
  return [weak, strong];
}

async function openPromotion(page: Page, version: number) {
  await page.getByRole("button", { name: `Actions of version ${version}` }).click();
  await page.getByRole("menuitem", { name: "Promote…" }).click();
  return page.getByRole("dialog", { name: `Promote version ${version} of` });
}

test("a model is registered from its run, promoted, protected, and refused with what the gate says", async ({
  page,
  maker,
  complaints,
}) => {
  const [weak, strong] = await twoRuns(maker);
  const model = `${maker.project} names`;
  await page.goto(`/runs/${weak.id}`);
  await expect(page.getByText("No version of a model names this run.")).toBeVisible();
  await page.getByRole("button", { name: "Register model" }).click();
  const dialog = page.getByRole("dialog", { name: "Register weak as a model" });
  // The only file of this kind is what is usually meant.
  await expect(dialog.getByLabel("Files")).toHaveValue("net/weights.bin");
  await dialog.getByLabel("Files").selectOption("net/");
  await dialog.getByLabel("Model", { exact: true }).fill(model);
  await expect(dialog.getByRole("status")).toHaveText("A new model is made; this is its version 1.");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Register" }).click();
  const registered = page.getByRole("list", { name: "Registered as" });
  await expect(registered.getByRole("link", { name: `${model}, version 1` })).toBeVisible();
  await expect(page.getByRole("region", { name: "Messages" })).toContainText("Registered as version 1");
  expect(await maker.register(model, { run: strong.id, path: "net" })).toBe(2);

  // By keyboard to the list, and in it to the model.
  await page.goto("/home");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("v");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Models");
  const list = page.getByRole("region", { name: "Models" });
  await expect(list.getByRole("link", { name: model })).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Find a model" })).toBeFocused();
  await page.keyboard.type(maker.project);
  await expect(list.getByRole("row")).toHaveCount(2);
  await expect(list.getByRole("link", { name: "version 2" })).toBeVisible();
  await expectAccessible(page);
  await list.getByRole("link", { name: model }).click();

  const versions = page.getByRole("region", { name: `Versions of ${model}` });
  await expect(versions.getByRole("row", { name: /version 2/ })).toContainText("strong");
  await expect(versions.getByRole("row", { name: /version 1/ })).toContainText("0.8000");
  const free = await openPromotion(page, 1);
  await free.getByLabel("Alias").fill("champion");
  await free.getByRole("button", { name: "Promote" }).click();
  await expect(versions.getByRole("row", { name: /version 1/ })).toContainText("champion");

  // A mistake in the rules is told with its line, before the hub is asked.
  const aliases = page.getByRole("region", { name: "Aliases and gates" });
  await aliases.getByRole("button", { name: "Actions of champion" }).click();
  await page.getByRole("menuitem", { name: "Protect…" }).click();
  const protect = page.getByRole("dialog", { name: "Protect champion" });
  const rules = protect.getByLabel("Rules, as in gate.toml");
  await rules.fill('[[threshold]]\nmetric = "accuracy"\nmin = = 0.9');
  await protect.getByRole("button", { name: "Protect" }).click();
  await expect(protect.getByRole("alert")).toContainText("Line 3");
  await expectAccessible(page);
  await rules.fill('[[threshold]]\nmetric = "accuracy"\nmin = 0.9');
  await protect.getByRole("button", { name: "Protect" }).click();
  await expect(aliases.getByText("protected")).toBeVisible();

  const passed = await openPromotion(page, 2);
  await passed.getByLabel("Alias").fill("champion");
  await expect(passed).toContainText("Version 1 has champion now");
  await passed.getByRole("button", { name: "Promote" }).click();
  const outcome = page.getByRole("dialog", { name: "Version 2 has champion now" });
  await expect(outcome.getByRole("row", { name: /threshold/ })).toContainText("passed");
  await outcome.getByRole("button", { name: "Close" }).click();
  await expect(versions.getByRole("row", { name: /version 2/ })).toContainText("champion");

  const refused = await openPromotion(page, 1);
  await refused.getByLabel("Alias").fill("champion");
  await refused.getByRole("button", { name: "Promote" }).click();
  await expect(refused.getByRole("alert")).toContainText("Nothing was changed");
  await expect(refused.getByRole("row", { name: /threshold/ })).toContainText("failed");
  await expectAccessible(page);
  await refused.getByRole("button", { name: "Cancel" }).click();
  await expect(versions.getByRole("row", { name: /version 2/ })).toContainText("champion");
  // The browser itself reports the refusal.
  expectStatus(complaints, 409);

  const trail = page.getByRole("list", { name: "Trail" });
  const first = trail.getByRole("listitem").first();
  await expect(first).toContainText("was refused champion for version 1");
  await first.getByText("gate refused").click();
  await expect(first.getByRole("row", { name: /threshold/ })).toContainText("failed");
  await expect(trail).toContainText("gave champion to version 2, from version 1");
  await expectAccessible(page);

  await versions.getByRole("checkbox", { name: "Choose version 1 to compare" }).check();
  await versions.getByRole("checkbox", { name: "Choose version 2 to compare" }).check();
  await page.getByRole("link", { name: "Compare 2 versions" }).click();
  await expect(page).toHaveURL(new RegExp(`/compare\\?runs=${weak.id}%2C${strong.id}`));
});

test("a version tells what it stands on; what is said of it is changed and removed", async ({
  page,
  maker,
}) => {
  const [weak, strong] = await twoRuns(maker);
  const model = `${maker.project}-net`;
  await maker.register(model, { run: weak.id, path: "net" });
  await maker.register(model, { run: strong.id, path: "net/weights.bin" });
  await page.goto(`/models/${model}/1`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${model}, version 1`);
  await expect(page.getByRole("link", { name: "weak", exact: true })).toBeVisible();
  const files = page.getByRole("region", { name: "Files of the version" });
  await expect(files.getByRole("row")).toHaveCount(3);
  await expect(files.getByRole("link", { name: "Download net/labels.txt" })).toHaveAttribute(
    "href",
    `/api/v1/runs/${weak.id}/artifacts/content?path=net%2Flabels.txt`,
  );
  await page.getByRole("button", { name: "Edit the description of version 1" }).click();
  await page.getByRole("textbox", { name: "Description of version 1" }).fill("The first that worked.");
  await page.keyboard.press("Control+Enter");
  await expect(page.getByRole("button", { name: "Edit the description of version 1" })).toBeFocused();
  await expect(page.getByText("The first that worked.")).toBeVisible();
  await page.getByRole("textbox", { name: "New tag" }).fill("reviewed");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("list", { name: "Tags" })).toContainText("reviewed");
  await expectAccessible(page);

  await page.getByRole("button", { name: "Promote", exact: true }).click();
  const promote = page.getByRole("dialog", { name: `Promote version 1 of ${model}` });
  await promote.getByRole("button", { name: "A stage" }).click();
  await promote.getByRole("combobox", { name: "Stage" }).selectOption("staging");
  await promote.getByRole("button", { name: "Promote" }).click();
  await expect(page.getByRole("region", { name: "Messages" })).toContainText(
    "Version 1 has stage staging now",
  );
  await page.getByRole("button", { name: "Promote", exact: true }).click();
  await promote.getByLabel("Alias").fill("canary");
  await promote.getByRole("button", { name: "Promote" }).click();
  const aliases = page.getByRole("list", { name: "Aliases" });
  await expect(aliases).toContainText("canary");
  // A version is found by its alias too.
  await page.goto(`/models/${model}/@canary`);
  await expect(page).toHaveURL(new RegExp(`/models/${model}/1$`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${model}, version 1`);
  await aliases.getByRole("button", { name: "Remove the alias canary" }).click();
  await page
    .getByRole("dialog", { name: "Remove the alias canary?" })
    .getByRole("button", { name: "Remove the alias" })
    .click();
  await expect(aliases).toHaveCount(0);

  await page.goto(`/models/${model}/2`);
  await page.getByRole("button", { name: "Compare with another version" }).click();
  await page.getByRole("menuitem", { name: "version 1" }).click();
  await expect(page).toHaveURL(new RegExp(`/compare\\?runs=${weak.id}%2C${strong.id}`));
  await page.goBack();
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Delete the version…" }).click();
  await page.getByRole("button", { name: "Delete the version", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(model);
  await expect(page.getByRole("heading", { name: "1 version", exact: true })).toBeVisible();

  await page.getByRole("button", { name: "Rename the model" }).click();
  await page.getByRole("textbox", { name: "Name of the model" }).fill(`${model}-2`);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${model}-2`);
  await expect(page).toHaveURL(new RegExp(`/models/${model}-2$`));
  await expect(page.getByRole("list", { name: "Trail" })).toContainText("renamed it from");

  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Delete the model…" }).click();
  const remove = page.getByRole("dialog", { name: `Delete the model ${model}-2?` });
  await expect(remove.getByRole("button", { name: "Delete the model" })).toBeDisabled();
  await remove.getByRole("textbox").fill(`${model}-2`);
  await expectAccessible(page);
  await remove.getByRole("button", { name: "Delete the model" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Models");
  await expect(page.getByRole("link", { name: `${model}-2` })).toHaveCount(0);
});
