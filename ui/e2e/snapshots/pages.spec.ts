/** Every page as it looks, with the wine runs and with nothing; see README.md. */

import type { Page, Request } from "@playwright/test";
import { expect, type Hub, test } from "./hubs";

const TEN_MINUTES_MS = 600_000;
const QUIET_MS = 100;
const QUIET_LOOKS = 4;

/** What is of this machine, this build and this moment is told as the same on all. */
async function asEverywhere(page: Page, hub: Hub): Promise<void> {
  await page.clock.setFixedTime(hub.now);
  const info = { host: "cellar", version: "0.1.0" };
  await page.route(
    /\/api\/v1\/(info|adapters|deletions|retention|runs\/search|datasets|registry)/,
    async (route) => {
      const answer = await route.fetch();
      if (!answer.headers()["content-type"]?.startsWith("application/json"))
        return route.fulfill({ response: answer });
      const { pathname } = new URL(route.request().url());
      // The fixture registers its models when it is made: no time of theirs is of the archive.
      const isMade = pathname.includes("/registry/");
      const text = (await answer.text())
        .replaceAll(hub.folder, "/srv/cellar")
        .replace(/\b1[5-9]\d{11}\b/g, (time) =>
          isMade || Number(time) > hub.last ? String(hub.now - TEN_MINUTES_MS) : time,
        );
      const isInfo = pathname.endsWith("/info");
      const body = isInfo ? JSON.stringify({ ...(JSON.parse(text) as object), ...info }) : text;
      return route.fulfill({ response: answer, body });
    },
  );
}

/** How much on screen is still being loaded; what lies below is loaded when it is scrolled to. */
function loadingOnScreen(): number {
  return [...document.querySelectorAll(".skeleton, [aria-busy=true]")].filter(
    (one) => one.getBoundingClientRect().top < window.innerHeight,
  ).length;
}

/** Requests without an answer; the stream of events stays open. */
function requestsOf(page: Page): Set<Request> {
  const open = new Set<Request>();
  page.on("request", (request) => !request.url().endsWith("/events") && open.add(request));
  page.on("requestfinished", (request) => open.delete(request));
  page.on("requestfailed", (request) => open.delete(request));
  return open;
}

/** One part may wait for another: nothing is asked or loading, and nothing follows from that either. */
async function settled(page: Page, open: ReadonlySet<Request>, loading: () => number): Promise<void> {
  let quiet = 0;
  const look = async () => {
    quiet = open.size + (await page.evaluate(loading)) === 0 ? quiet + 1 : 0;
    return quiet;
  };
  await expect.poll(look, { intervals: [QUIET_MS], timeout: 20_000 }).toBeGreaterThanOrEqual(QUIET_LOOKS);
}

async function look(page: Page, hub: Hub, name: string, path: string, then?: () => Promise<void>) {
  const open = requestsOf(page);
  await asEverywhere(page, hub);
  await page.goto(`${hub.url}${path}`);
  await expect(page.getByRole("heading", { level: 1 }).first()).toBeVisible();
  await then?.();
  // The page of the design shows what loading looks like.
  await settled(page, open, name === "design" ? () => 0 : loadingOnScreen);
  await page.evaluate(() => document.fonts.ready);
  await expect(page).toHaveScreenshot(`${name}.png`);
  // What is still asked when the page closes has no answer to change.
  await page.unrouteAll({ behavior: "ignoreErrors" });
}

const PAGES = {
  home: "/home",
  runs: "/",
  "runs-grouped": "/?group=experiment",
  project: "/p/wine",
  projects: "/projects",
  models: "/models",
  model: "/models/cultivars",
  "model-version": "/models/cultivars/2",
  datasets: "/datasets",
  dataset: "/datasets/wine",
  adapters: "/adapters",
  adapter: "/adapters?name=native",
  "adapter-broken": "/adapters?name=cellar-notes",
  new: "/new",
  "new-native": "/new?adapter=native",
  metrics: "/metrics",
  deleted: "/deleted",
  "deleted-ledger": "/deleted?tab=ledger",
  "deleted-retention": "/deleted?tab=retention",
  reports: "/reports",
  leaderboard: "/leaderboard?metric=test/accuracy",
  settings: "/settings",
  help: "/help",
  design: "/design",
  "no-such-page": "/nowhere",
} as const;

for (const [name, path] of Object.entries(PAGES))
  test(name, async ({ page, hub }) => look(page, hub, name, path));

const RUN_TABS = [
  "overview",
  "charts",
  "evaluation",
  "media",
  "logs",
  "config",
  "system",
  "artifacts",
  "provenance",
  "try",
];

for (const tab of RUN_TABS)
  test(`run-${tab}`, async ({ page, hub }) => {
    await look(page, hub, `run-${tab}`, `/runs/${hub.runs["softmax-s1"]}?tab=${tab}`);
  });

test("run-failed", async ({ page, hub }) => {
  await look(page, hub, "run-failed", `/runs/${hub.runs["softmax-too-fast-s1"]}`);
});

test("new-clone", async ({ page, hub }) => {
  await look(page, hub, "new-clone", `/new?from=${hub.runs["trees-s1"]}`);
});

test("compare", async ({ page, hub }) => {
  const runs = ["trees-s1", "logistic-s1", "softmax-s1"].map((name) => hub.runs[name]);
  await look(page, hub, "compare", `/compare?runs=${runs.join(",")}`);
});

test("report", async ({ page, hub }) => look(page, hub, "report", `/reports/${hub.report}`));

test("report-edit", async ({ page, hub }) => {
  await look(page, hub, "report-edit", `/reports/${hub.report}?edit=true`);
});

test("palette", async ({ page, hub }) => {
  await look(page, hub, "palette", "/help", async () => {
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("menuitem", { name: "wine" }).first()).toBeVisible();
  });
});

test("shortcuts", async ({ page, hub }) => {
  await look(page, hub, "shortcuts", "/help", async () => {
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  });
});

const EMPTY = {
  home: "/home",
  runs: "/",
  projects: "/projects",
  models: "/models",
  datasets: "/datasets",
  reports: "/reports",
  leaderboard: "/leaderboard",
  deleted: "/deleted",
} as const;

for (const [name, path] of Object.entries(EMPTY))
  test(`empty-${name}`, async ({ page, empty }) => look(page, empty, `empty-${name}`, path));
