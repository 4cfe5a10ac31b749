/** A page that fails its test on console errors and on violations of the content policy. */

import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { Maker } from "./maker";

export interface DemoRun {
  id: string;
  name: string;
  project: string;
  state: string;
  group: string | null;
  metrics: Record<string, number | string>;
  intervals: Record<string, unknown>;
}

interface Fixtures {
  /** What the page complained about; checked to be empty when the test ends. */
  complaints: string[];
  /** A finished, evaluated run of a seed group. */
  finished: DemoRun;
  runs: DemoRun[];
  /** Makes runs for the test and purges them when it ends. */
  maker: Maker;
}

export const test = base.extend<Fixtures>({
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (event) => {
          console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`);
        });
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
  runs: async ({ request }, use) => {
    const answer = await request.get("/api/v1/runs?limit=1000");
    expect(answer.ok()).toBe(true);
    const { runs } = (await answer.json()) as { runs: DemoRun[] };
    await use(runs);
  },
  maker: async ({ page, request }, use) => {
    const maker = new Maker(request);
    await use(maker);
    // No page may ask for runs while they are removed.
    await page.goto("about:blank");
    await maker.purge();
  },
  finished: async ({ runs }, use) => {
    const run = runs.find(
      (one) => one.state === "finished" && one.group && Object.keys(one.intervals).length > 0,
    );
    if (!run)
      throw new Error("The hub has no finished, evaluated run of a seed group: is this the demo's data?");
    await use(run);
  },
});

/** Drops complaints of the browser itself about answers of this status, of which there must be some. */
export function expectStatus(complaints: string[], status: number): void {
  const others = complaints.filter((text) => !text.includes(String(status)));
  expect(others.length).toBeLessThan(complaints.length);
  complaints.splice(0, complaints.length, ...others);
}

/** Until what is fading in or moving has arrived: half faded it has half the contrast. What never ends is left. */
function arrived(): Promise<unknown> {
  const passing = document
    .getAnimations()
    .filter((one) => one.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
  return Promise.allSettled(passing.map((one) => one.finished));
}

/** No serious or critical finding of axe on the page as it stands. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(arrived);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter((one) => one.impact === "serious" || one.impact === "critical");
  const told = grave.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
  expect(told).toEqual([]);
}

export { expect };
