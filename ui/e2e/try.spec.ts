/** Asking a model from its run's page: the form, what is wrong with it, and what the hub refuses. */

import { expect, expectAccessible, expectStatus, test } from "./fixtures";
import type { Maker } from "./maker";
import { picture } from "./maker";

/** A run that left a model of an adapter that is not on the hub's machine. */
async function withModel(maker: Maker, capabilities: string[], description: Record<string, unknown>) {
  const bytes = Buffer.from(JSON.stringify({ version: 1, ...description }));
  const [run] = await maker.runs({
    names: ["asked"],
    adapter: { name: "nowhere", version: "1.0.0", capabilities },
    artifacts: [{ path: "artifacts/model.json", kind: "model", bytes }],
  });
  if (!run) throw new Error("no run was made");
  return run;
}

const PENGUINS = {
  task: "multiclass",
  input: {
    kind: "table",
    columns: [
      { name: "bill_length_mm", type: "number" },
      { name: "island", type: "category", values: ["Biscoe", "Dream"] },
      { name: "note", type: "text", required: false },
    ],
  },
  output: { kind: "classes", labels: ["Adelie", "Gentoo"] },
};

test("a run without a model has no way to ask it", async ({ page, maker }) => {
  const [run] = await maker.runs({
    names: ["plain"],
    adapter: { name: "nowhere", version: "1.0.0", capabilities: ["train"] },
  });
  await page.goto(`/runs/${run?.id}?tab=artifacts`);
  await expect(page.getByRole("heading", { name: "No artifacts" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Try it" })).toHaveCount(0);
  await page.goto(`/runs/${run?.id}?tab=try`);
  await expect(page.getByRole("heading", { name: "No model to ask" })).toBeVisible();
});

test("a form has a field per column, and tells at each what is wrong", async ({
  page,
  maker,
  complaints,
}) => {
  const run = await withModel(maker, ["predict"], PENGUINS);
  await page.goto(`/runs/${run.id}`);
  await page.getByRole("link", { name: "Try it" }).click();
  const bill = page.getByLabel("bill_length_mm");
  const island = page.getByLabel("island");
  await bill.fill("long");
  await page.getByRole("button", { name: "Predict" }).click();
  await expect(bill).toHaveAccessibleDescription("must be a finite number");
  await expect(bill).toBeFocused();
  await expect(island).toHaveAccessibleDescription("is missing, and the model needs it");
  await expectAccessible(page);
  await bill.fill("46.1");
  await island.selectOption("Biscoe");
  const asked = page.waitForRequest((one) => one.url().endsWith("/predict"));
  await bill.press("Enter");
  const body: unknown = (await asked).postDataJSON();
  expect(body).toEqual({ inputs: [{ bill_length_mm: 46.1, island: "Biscoe" }] });
  // Its adapter is not on this machine.
  await expect(page.getByRole("alert")).toContainText("This model cannot be asked here");
  await expect(page.getByRole("alert")).toContainText("nowhere");
  await expect(bill).toHaveAttribute("aria-invalid", "false");
  await expectAccessible(page);
  expectStatus(complaints, 501);
});

test("a search takes the kinds of queries the model takes, images by their bytes", async ({
  page,
  maker,
}) => {
  const run = await withModel(maker, ["search"], {
    task: "retrieval",
    input: { kind: "image", channels: 1, height: 8, width: 8 },
    output: { kind: "tensor" },
    query: ["vector", "image"],
    vector_length: 2,
  });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`/runs/${run.id}?tab=try`);
  const numbers = page.getByLabel("Numbers");
  await numbers.fill("[1, 2, 3]");
  await page.getByLabel("Hits at most").fill("0");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(numbers).toHaveAccessibleDescription(/has 3 numbers; the model takes 2/);
  await expect(page.getByLabel("Hits at most")).toHaveAccessibleDescription(/from 1 to 1000/);
  await page.getByRole("button", { name: "Search by image" }).click();
  const file = page.getByLabel("Image", { exact: true });
  await file.setInputFiles({ name: "a.png", mimeType: "image/png", buffer: Buffer.from("<svg/>") });
  await expect(file).toHaveAccessibleDescription(/neither a PNG nor a JPEG/);
  await file.setInputFiles({ name: "b.png", mimeType: "image/png", buffer: picture(8, 90) });
  const preview = page.getByRole("img", { name: "Preview of b.png" });
  await expect(preview).toBeVisible();
  await expect.poll(() => preview.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBe(8);
  const wide = () => document.documentElement.scrollWidth <= window.innerWidth;
  expect(await page.evaluate(wide)).toBe(true);
  await expectAccessible(page);
});
