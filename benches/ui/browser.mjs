/**
 * Looks at one tracker in Chromium and prints figures, one JSON object.
 *
 *   node browser.mjs PEER JSON      JSON: what fill.py printed, and {"live_seconds", "scroll_seconds"}
 *
 * Frames are those that the page itself saw (`requestAnimationFrame`), drags and wheels are real input
 * events of the browser, memory is the JavaScript heap after a collection. What counts as drawn is in
 * PEERS; a figure a tracker has no page for is left out.
 */

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../../ui/package.json", import.meta.url));
const { chromium } = require("@playwright/test");

const VIEW = { width: 1440, height: 900 };
const DRAWN_MS = 300_000;
const DRAG_STEPS = 60;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Whether so many charts of a tracker have a line of every run, asked in the page. */
const whole = {
  mlhub: ({ runs, charts }) =>
    [...document.querySelectorAll(".plot-host[data-lines]:has(canvas)")].filter(
      (one) => Number(one.dataset.lines) >= runs,
    ).length >= charts,
  mlflow: ({ runs, charts }) =>
    [...document.querySelectorAll(".js-plotly-plot")].filter(
      (one) => one.querySelectorAll(".scatterlayer .trace").length >= runs,
    ).length >= charts,
  aim: ({ runs, charts }) =>
    [...document.querySelectorAll("svg")].filter((one) => one.querySelectorAll("path.Line").length >= runs)
      .length >= charts,
};

/** Shows all runs: MLflow draws ten of them unless it is told otherwise, and keeps that. */
async function mlflowCharts(page, given) {
  const url = `${given.url}/#/experiments/${given.experiment}/runs?compareRunsMode=CHART`;
  await page.goto(url);
  await page.getByTestId("experiment-view-runs-visibility-column-header").click({ timeout: DRAWN_MS });
  await page
    .getByRole("menuitem", { name: /show all/i })
    .or(page.getByText(/show all runs/i))
    .first()
    .click();
  await waitForCharts(page, "mlflow", given.runs.length, 1);
  return page.url();
}

/** Asks for every metric; Aim's address then has the question. */
async function aimCharts(page, given) {
  await page.goto(`${given.url}/metrics`);
  await page.locator("button:has(.icon-edit)").first().click({ timeout: DRAWN_MS });
  await page.locator(".monaco-editor").first().click({ timeout: DRAWN_MS });
  await page.keyboard.type("metric.name != ''");
  await page.getByRole("button", { name: "Search" }).click();
  await waitForCharts(page, "aim", given.runs.length, 1);
  return page.url();
}

const PEERS = {
  mlhub: {
    charts: async (_page, given) => `${given.url}/p/curves?show=charts&top=${given.runs.length}`,
    chartsOnScreen: 6,
    table: (given) => `${given.url}/p/table?show=table`,
    scroller: ".runs-scroll",
    wide: (given) => `${given.url}/runs/${given.wide}?tab=charts`,
    live: (given) => `${given.url}/p/live?show=charts&top=10`,
    plot: ".chart .u-over",
  },
  mlflow: {
    charts: mlflowCharts,
    chartsOnScreen: 6,
    wide: (given) => `${given.url}/#/experiments/${given.wide_of}/runs/${given.wide}/model-metrics`,
    plot: ".js-plotly-plot .nsewdrag",
  },
  aim: {
    charts: aimCharts,
    chartsOnScreen: 6,
    plot: "svg:has(path.Line)",
  },
};

/** Frames per second and the longest pause while something is done in the page. */
async function frames(page, act) {
  await page.evaluate(() => {
    const seen = [];
    const look = (now) => {
      seen.push(now);
      window.__frames = seen;
      window.__asked = requestAnimationFrame(look);
    };
    window.__asked = requestAnimationFrame(look);
  });
  await act();
  const seen = await page.evaluate(() => {
    cancelAnimationFrame(window.__asked);
    return window.__frames;
  });
  const pauses = seen.slice(1).map((at, i) => at - seen[i]);
  const seconds = (seen.at(-1) - seen[0]) / 1000;
  return { fps: pauses.length / seconds, longest_ms: Math.max(...pauses) };
}

/** The pointer over a chart, there and back. */
async function sweep(page, box) {
  for (let at = 0; at <= DRAG_STEPS; at += 1) {
    const there = 1 - Math.abs(1 - (2 * at) / DRAG_STEPS);
    await page.mouse.move(box.x + box.width * (0.1 + 0.8 * there), box.y + box.height / 2);
  }
}

async function drag(page, box, modifier) {
  if (modifier) await page.keyboard.down(modifier);
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
  await page.mouse.down();
  for (let at = 0; at <= DRAG_STEPS; at += 1) {
    await page.mouse.move(box.x + box.width * (0.3 + (0.4 * at) / DRAG_STEPS), box.y + box.height / 2);
  }
  await page.mouse.up();
  if (modifier) await page.keyboard.up(modifier);
}

async function waitForCharts(page, name, runs, charts) {
  await page.waitForFunction(whole[name], { runs, charts }, { timeout: DRAWN_MS, polling: "raf" });
}

async function charts(context, peer, name, given) {
  const before = await context.newPage();
  const address = await peer.charts(before, given);
  await before.close();
  const page = await context.newPage();
  const begun = performance.now();
  await page.goto(address);
  await waitForCharts(page, name, given.runs.length, 1);
  const first = performance.now() - begun;
  await waitForCharts(page, name, given.runs.length, peer.chartsOnScreen);
  const all = performance.now() - begun;
  const box = await page.locator(peer.plot).first().boundingBox();
  const hover = await frames(page, () => sweep(page, box));
  const zoom = await frames(page, () => drag(page, box));
  const pan = await frames(page, () => drag(page, box, "Shift"));
  await page.close();
  return {
    first_chart_ms: first,
    charts_ms: all,
    hover_fps: hover.fps,
    zoom_fps: zoom.fps,
    zoom_longest_ms: zoom.longest_ms,
    pan_fps: pan.fps,
    pan_longest_ms: pan.longest_ms,
  };
}

/** Wheels down for a while; how often the table had rows where the eye looks. */
async function table(page, peer, given) {
  const begun = performance.now();
  await page.goto(peer.table(given));
  await page.locator(`${peer.scroller} tbody tr[aria-rowindex]`).first().waitFor({ timeout: DRAWN_MS });
  const first = performance.now() - begun;
  const box = await page.locator(peer.scroller).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const seen = await frames(page, async () => {
    const end = performance.now() + given.scroll_seconds * 1000;
    while (performance.now() < end) await page.mouse.wheel(0, 900);
  });
  const jumped = performance.now();
  await page.evaluate((where) => {
    const scroller = document.querySelector(where);
    scroller.scrollTop = scroller.scrollHeight / 2;
  }, peer.scroller);
  await page.waitForFunction(
    ([where, least]) =>
      [...document.querySelectorAll(`${where} tbody tr[aria-rowindex] a`)].length > 5 &&
      Number(document.querySelector(`${where} tbody tr[aria-rowindex]`)?.getAttribute("aria-rowindex")) >
        least,
    [peer.scroller, given.table / 3],
    { timeout: DRAWN_MS, polling: "raf" },
  );
  return {
    table_first_ms: first,
    scroll_fps: seen.fps,
    scroll_longest_ms: seen.longest_ms,
    jump_ms: performance.now() - jumped,
  };
}

async function wide(page, peer, name, given) {
  const begun = performance.now();
  await page.goto(peer.wide(given));
  await waitForCharts(page, name, 1, 1);
  const first = performance.now() - begun;
  await page.mouse.move(VIEW.width / 2, VIEW.height / 2);
  const seen = await frames(page, async () => {
    const end = performance.now() + given.scroll_seconds * 1000;
    while (performance.now() < end) await page.mouse.wheel(0, 600);
  });
  return { wide_first_ms: first, wide_fps: seen.fps, wide_longest_ms: seen.longest_ms };
}

async function heap(session) {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize / 1e6;
}

/** Live points into the runs of an open page: heap once it has settled, and at the end. */
async function live(page, peer, given) {
  const session = await page.context().newCDPSession(page);
  const feeder = spawn("python3", [here("feed.py"), given.url, String(given.live_seconds)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => feeder.on("exit", resolve));
  await new Promise((resolve) => feeder.stdout.once("data", resolve));
  await page.goto(peer.live(given));
  await waitForCharts(page, "mlhub", 1, 1);
  await page.waitForTimeout((given.live_seconds * 1000) / 4);
  const early = await heap(session);
  const code = await ended;
  if (code !== 0) throw new Error(`the feeder ended with ${code}`);
  const late = await heap(session);
  return { live_early_mb: early, live_late_mb: late };
}

const [name, text] = process.argv.slice(2);
const given = JSON.parse(text);
const peer = PEERS[name];
const browser = await chromium.launch({
  executablePath: process.env.MLHUB_E2E_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"],
});
const figures = {};
try {
  const context = await browser.newContext({ viewport: VIEW });
  const onPage = (act) => async () => {
    const page = await context.newPage();
    try {
      return await act(page);
    } finally {
      if (process.env.BENCH_SHOTS) await page.screenshot({ path: `${process.env.BENCH_SHOTS}/${name}.png` });
      await page.close();
    }
  };
  const parts = { charts: () => charts(context, peer, name, given) };
  if (peer.table) parts.table = onPage((page) => table(page, peer, given));
  if (peer.wide) parts.wide = onPage((page) => wide(page, peer, name, given));
  if (peer.live) parts.live = onPage((page) => live(page, peer, given));
  const wanted = (process.env.BENCH_PARTS ?? Object.keys(parts).join(",")).split(",");
  for (const part of wanted.filter((one) => one in parts)) {
    try {
      Object.assign(figures, await parts[part]());
    } catch (error) {
      figures[`${part}_failed`] = String(error.message ?? error).split("\n")[0];
    }
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(figures));
