/** The log of a run: anywhere in it, all of it searched, every line with a link. */

import { expect, expectAccessible, test } from "./fixtures";

const ESC = "\u001b";
const LINES = 40_000;
const LONG = "0123456789".repeat(500);

/** Some megabytes, so that no more than a part is ever in the page. */
function output(): string {
  const lines = Array.from({ length: LINES }, (_, i) => {
    if (i === 12_345) return `${ESC}[1;31mERROR${ESC}[0m the needle <b>lies</b> here`;
    if (i === 30_000) return "another Needle";
    if (i === 7) return LONG;
    return `line ${i} ${"of output that says little ".repeat(2)}`;
  });
  return `${lines.join("\n")}\n`;
}

const STDERR = `${"warming up\n".repeat(20)}Traceback (most recent call last):\nMemoryError: no room\n`;

test("why it failed leads to the line in the log", async ({ page, maker }) => {
  const [run] = await maker.runs({
    names: ["failing"],
    logs: { stdout: "fine\n", stderr: STDERR },
    end: {
      state: "failed",
      exit: { code: 1 },
      failure: {
        class: "host_out_of_memory",
        message: "The program ended with an error.",
        evidence: ["Traceback (most recent call last):", "MemoryError: no room"],
      },
    },
  });
  await page.goto(`/runs/${run?.id}`);
  await expect(page.getByRole("region", { name: "Why it failed" })).toContainText("exit code 1");
  await expectAccessible(page);
  await page.getByRole("link", { name: "MemoryError: no room" }).click();
  await expect(page.locator(".log-line.current")).toContainText("MemoryError: no room");
  await expect(page).toHaveURL(/stream=stderr&at=\d+/);
});

test("a long log is gone through anywhere, in bounded memory", async ({ page, maker }) => {
  const [run] = await maker.runs({ names: ["long"], logs: { stdout: output() } });
  await page.goto(`/runs/${run?.id}?tab=logs`);
  const log = page.getByRole("region", { name: "Log" });
  await expect(log).toContainText(`line ${LINES - 1} `);
  await log.focus();
  await page.keyboard.press("Home");
  await expect(log).toContainText("line 0 ");
  // Endless lines are cut until asked for.
  await expect(log).not.toContainText(LONG);
  await page.getByRole("button", { name: /^show .* more characters$/ }).click();
  await expect(log).toContainText(LONG);
  await page.getByRole("button", { name: "Wrap" }).click();
  await page.getByRole("slider", { name: "Place in the log" }).fill("500");
  await page.getByRole("slider", { name: "Place in the log" }).blur();
  await expect(log).toContainText(/line (19|20)\d\d\d /);
  expect(await page.locator(".log-line").count()).toBeLessThan(200);
  // Scrolling on loads on, and the lines stay in their order.
  const first = async () => Number(/line (\d+)/.exec((await log.textContent()) ?? "")?.[1]);
  const before = await first();
  await log.hover();
  await page.mouse.wheel(0, 3_000);
  await expect.poll(first).toBeGreaterThan(before);
  await log.locator("a.number").nth(25).click();
  await expect(page).toHaveURL(/at=\d+/);
  const chosen = (await page.locator(".log-line.current").textContent()) ?? "";
  await page.reload();
  await expect(page.locator(".log-line.current")).toHaveText(/line \d+/);
  expect(/line \d+/.exec((await page.locator(".log-line.current").textContent()) ?? "")?.[0]).toBe(
    /line \d+/.exec(chosen)?.[0],
  );
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  expect((await download).suggestedFilename()).toBe("long-1-stdout.log");
  await expectAccessible(page);
});

test("all of a log is searched, and colours are text", async ({ page, maker }) => {
  const [run] = await maker.runs({ names: ["searched"], logs: { stdout: output() } });
  await page.goto(`/runs/${run?.id}?tab=logs`);
  const log = page.getByRole("region", { name: "Log" });
  await expect(log).toContainText(`line ${LINES - 1} `);
  await page.keyboard.press("/");
  await page.keyboard.type("NEEDLE");
  await expect(page.getByText("1 of 2")).toBeVisible();
  const current = page.locator(".log-line.current");
  await expect(current).toContainText("the needle <b>lies</b> here");
  await expect(current.locator("mark")).toHaveText("needle");
  await expect(current.locator(".ansi-red")).toHaveText("ERROR");
  await page.getByRole("searchbox", { name: "Search the log" }).press("Enter");
  await expect(page.getByText("2 of 2")).toBeVisible();
  await expect(current).toContainText("another Needle");
  await page.getByRole("button", { name: "Match before" }).click();
  await expect(current).toContainText("the needle");
  await expectAccessible(page);
  // The link brings back the search and the place.
  await page.reload();
  await expect(current).toContainText("the needle");
  await page.getByRole("searchbox", { name: "Search the log" }).fill("not in there");
  await expect(page.getByText("nothing found")).toBeVisible();
});
