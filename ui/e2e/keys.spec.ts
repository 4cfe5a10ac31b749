/** What is typed before a thing that was opened is ready, on a slow machine; and the browser's own messages. */

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";

const SLOWER = 6;
const TIMES = 10;

async function slowed(page: Page, rate: number) {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
}

test("nothing typed right after Ctrl+K is lost, the first time and ever after", async ({
  page,
  finished,
}) => {
  test.setTimeout(120_000);
  const palette = page.getByRole("dialog", { name: "Find anything" });
  const watched = () =>
    page.evaluate((id) => localStorage.getItem("mlhub.watched")?.includes(id) ?? false, finished.id);
  // The palette is not there before it is asked for: its part of the page comes late.
  let late: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => {
    late = resolve;
  });
  await page.route(/CommandPalette/, async (route) => {
    await asked;
    await route.continue();
  });
  await page.goto(`/runs/${finished.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(finished.name);
  await slowed(page, SLOWER);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("watcx");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("h this");
  await page.keyboard.press("Enter");
  late?.();
  await expect.poll(watched).toBe(true);
  await expect(palette).toHaveCount(0);

  for (let time = 1; time <= TIMES; time += 1) {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("watch this");
    await page.keyboard.press("Enter");
    // The same words end what they began.
    const told = { message: `the ${time}th time`, intervals: [50] };
    await expect.poll(watched, told).toBe(time % 2 === 0);
    await expect(palette).toHaveCount(0);
  }
  // With nothing typed Enter chooses nothing; an open palette takes the keys itself.
  await page.keyboard.press("Control+k");
  await expect(palette).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("settings");
  await expect(palette.getByRole("searchbox")).toHaveValue("settings");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/settings$/);
});

test("what is typed right after the columns were opened finds columns", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator("tbody tr").first()).toBeVisible();
  await slowed(page, SLOWER);
  await page.getByRole("button", { name: "Columns" }).click();
  await page.keyboard.type("accuracy");
  await expect(page.getByRole("textbox", { name: "Find a column" })).toHaveValue("accuracy");
});

interface Told {
  title: string;
  body: string | undefined;
  tag: string | undefined;
}

declare global {
  interface Window {
    told: Told[];
  }
}

/** Notes the browser's messages as they are made, and says that the page is behind another. */
function spyOnMessages() {
  window.told = [];
  class Spied extends Notification {
    constructor(title: string, options?: NotificationOptions) {
      super(title, options);
      window.told.push({ title, body: options?.body, tag: options?.tag });
    }
  }
  window.Notification = Spied;
  Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
}

test("a watched run's end is told by the browser where the reader has allowed it", async ({
  page,
  context,
  request,
  maker,
}) => {
  const [watched, other] = await maker.begin(["watched-run", "other-run"]);
  if (!watched || !other) throw new Error("no runs were made");
  await context.grantPermissions(["notifications"]);
  await page.addInitScript(spyOnMessages);
  await page.goto("/settings");
  await page.getByRole("button", { name: "Watched" }).click();
  const allowed = page.getByRole("switch", { name: "Messages of the browser" });
  await page.locator("label").filter({ has: allowed }).click();
  await expect(allowed).toBeChecked();

  await page.goto(`/runs/${watched.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(watched.name);
  await page.keyboard.press("w");
  await expect(page.getByRole("region", { name: "Messages" })).toContainText("Watched");
  const message = "out of memory";
  const failed = { state: "failed", exit: { code: 1 }, failure: { class: "exit", message, evidence: [] } };
  for (const [run, end] of [
    [other, { state: "finished", exit: { code: 0 } }],
    [watched, failed],
  ] as const) {
    const data = { ended_at: Date.now(), ...end };
    const answer = await request.post(`/api/v1/runs/${run.id}/attempts/1/finish`, { data });
    expect(answer.ok(), await answer.text()).toBe(true);
  }
  await expect
    .poll(() => page.evaluate(() => window.told))
    .toEqual([
      {
        title: `${watched.name} failed: ${message}`,
        body: maker.project,
        tag: `${watched.id}/1/failed`,
      },
    ]);
  // Another tab of the hub, or this page anew, does not tell it twice.
  await page.reload();
  await expect(page.getByRole("button", { name: /^What happened, 1 unread$/ })).toBeVisible();
  expect(await page.evaluate(() => window.told)).toEqual([]);
});
