/** Media of a run: histograms over steps, pictures compared, sound, tables; nothing of a run becomes markup. */

import type { Locator } from "@playwright/test";
import { expect, expectAccessible, test } from "./fixtures";
import { picture } from "./maker";

/** Half a second of a tone as 16-bit PCM. */
function tone(): Buffer {
  const rate = 8000;
  const head = Buffer.alloc(44);
  const body = Buffer.alloc(rate);
  for (let i = 0; i < rate / 2; i += 1) body.writeInt16LE(Math.round(20_000 * Math.sin(i / 4)), 2 * i);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(36 + body.length, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(body.length, 40);
  return Buffer.concat([head, body]);
}

/** The colour of a canvas's middle. */
function middle(canvas: Locator): Promise<number[]> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const context = (element as HTMLCanvasElement).getContext("2d");
    return [...(context?.getImageData(Math.floor(width / 2), Math.floor(height / 2), 1, 1).data ?? [])];
  });
}

const FOLDER = "artifacts/media";

test("histograms over steps, pictures compared, sound drawn, a table searched", async ({ page, maker }) => {
  const rows = Array.from({ length: 3000 }, (_, i) => [i, i === 1234 ? "<i>needle</i>" : `row ${i}`, i % 7]);
  const [run] = await maker.runs({
    names: ["with media"],
    artifacts: [
      { path: `${FOLDER}/samples/1.png`, kind: "image", bytes: picture(24, 200) },
      { path: `${FOLDER}/samples/5.png`, kind: "image", bytes: picture(24, 190) },
      { path: `${FOLDER}/samples/9.png`, kind: "image", bytes: picture(16, 190) },
      { path: `${FOLDER}/voice/1.wav`, kind: "audio", bytes: tone() },
      {
        path: `${FOLDER}/rows/1.table.json`,
        kind: "table",
        bytes: Buffer.from(JSON.stringify({ columns: ["id", "text", "rest"], data: rows })),
      },
    ],
    records: [
      ...[1, 5, 9].map((step) => ({
        kind: "media",
        body: { type: "image", name: "samples", step, path: `${FOLDER}/samples/${step}.png` },
      })),
      { kind: "media", body: { type: "audio", name: "voice", step: 1, path: `${FOLDER}/voice/1.wav` } },
      { kind: "media", body: { type: "table", name: "rows", step: 1, path: `${FOLDER}/rows/1.table.json` } },
      ...[0, 10, 20].map((step) => ({
        kind: "histogram",
        body: { name: "weights", step, counts: [4, 4 + step], edges: [-1, 0, 1], non_finite: step },
      })),
    ],
  });
  await page.goto(`/runs/${run?.id}?tab=media`);

  const weights = page.getByRole("region", { name: "weights" });
  await expect(
    weights.getByRole("img", { name: "weights over 3 steps, values from −1 to 1; darker is more" }),
  ).toBeVisible();
  await expect(weights.getByText("step 20: 28 values")).toBeVisible();
  await expect(weights.getByText("20 not finite")).toBeVisible();
  await weights.getByRole("slider").press("Home");
  await expect(weights.getByText("step 0: 8 values")).toBeVisible();
  await weights.getByRole("button", { name: "Ridges" }).click();
  await expect(weights.locator("path.ridge")).toHaveCount(3);
  await weights.getByRole("button", { name: "One step" }).click();
  await expect(weights.getByRole("img", { name: "Histogram weights, step 0" })).toBeVisible();

  const samples = page.getByRole("region", { name: "samples" });
  const step = samples.getByRole("slider", { name: "Step of samples" });
  await step.press("ArrowLeft");
  await samples.getByRole("button", { name: "Side by side" }).click();
  await expect(samples.getByRole("img", { name: "samples at step 1" })).toBeVisible();
  await expect(samples.getByRole("img", { name: "samples at step 5" })).toBeVisible();
  await samples.getByRole("button", { name: "Swipe" }).click();
  const swipe = samples.getByRole("slider", { name: "Swipe between step 1 and step 5" });
  await swipe.press("Home");
  await expect(samples.locator("img.over")).toHaveCSS("clip-path", "inset(0px 0px 0px 0%)");
  await samples.getByRole("button", { name: "Difference" }).click();
  await expect(samples.getByText("100 % of the pixels differ; mean 10, greatest 10 of 255")).toBeVisible();
  const canvas = samples.getByRole("img", { name: "Difference of samples between step 1 and step 5" });
  expect(await middle(canvas)).toEqual([10, 10, 10, 255]);
  await samples.getByRole("button", { name: "×16" }).click();
  await expect.poll(() => middle(canvas)).toEqual([160, 160, 160, 255]);
  await step.press("ArrowRight");
  await expect(samples.getByText("different sizes: 24 × 24 and 16 × 16")).toBeVisible();

  await expect(page.getByRole("img", { name: "Waveform of voice, 0.5 seconds" })).toBeVisible();
  await expectAccessible(page);

  const table = page.getByRole("region", { name: "Table rows" });
  await expect(table.getByRole("cell", { name: "row 0", exact: true })).toBeVisible();
  expect(await table.locator("tbody tr").count()).toBeLessThan(60);
  await table.getByRole("button", { name: "id" }).click();
  await expect(table.getByRole("cell", { name: "row 2999" })).toBeVisible();
  await page.getByRole("searchbox", { name: "Find in table rows" }).fill("NEEDLE");
  await expect(table.getByRole("cell", { name: "<i>needle</i>" })).toBeVisible();
  await expect(page.getByText("1 of 3000 rows")).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV" }).click();
  expect((await download).suggestedFilename()).toBe("rows.csv");
});
