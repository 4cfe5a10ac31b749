/** Two hubs for the snapshots: one with the archive of `fixture/`, one with nothing. Nothing else is on them. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { test as base, expect } from "@playwright/test";
import { preview } from "vite";

const FIXTURE = fileURLToPath(new URL("fixture/", import.meta.url));
const PROJECT = "wine";
const HOUR_MS = 3_600_000;
const DELETED = "softmax-s2";

export interface Hub {
  /** Where its pages are. */
  url: string;
  /** Where it keeps everything. */
  folder: string;
  /** Ids of its runs by name. */
  runs: Record<string, string>;
  /** The id of its report. */
  report: string;
  /** When its last run ended. */
  last: number;
  /** The time the pages are told: an hour later. */
  now: number;
}

interface Served {
  url: string;
  api: string;
  end: () => Promise<void>;
}

function binary(): string {
  const path = process.env.MLHUB_E2E_BINARY;
  if (!path) {
    throw new Error("MLHUB_E2E_BINARY is not set. Build `mlhub` (`cargo build`) and set it to its path.");
  }
  return path;
}

/** The first line a hub writes says where it is, once it answers. */
async function address(hub: ChildProcess): Promise<string> {
  if (!hub.stdout) throw new Error("the hub has no output");
  for await (const line of createInterface(hub.stdout)) {
    const found = /https?:\/\/\S+/.exec(line)?.[0];
    if (found) return found;
  }
  throw new Error(`the hub ended with ${hub.exitCode} before it served`);
}

/** The pages of the binary, or those of the folder MLHUB_E2E_UI (as `vite build` makes it) before its API. */
async function pages(api: string): Promise<{ url: string; close: () => Promise<void> }> {
  const folder = process.env.MLHUB_E2E_UI;
  if (!folder) return { url: api, close: async () => {} };
  const proxy = { target: api, changeOrigin: true, headers: { origin: api } };
  const server = await preview({
    logLevel: "error",
    build: { outDir: folder },
    preview: { host: "127.0.0.1", port: 0, strictPort: false, proxy: { "/api": proxy, "/health": proxy } },
  });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error("the preview server has no address");
  return { url: url.replace(/\/$/, ""), close: () => server.close() };
}

/** An adapter that cannot be used, for the page that says why. */
const BROKEN = `protocol = 1
name = "cellar-notes"
version = "1.0.0"
description = "Tells wines by what was written about them."
capabilities = ["train", "tell"]
`;

function breakAdapter(folder: string): void {
  const adapter = join(folder, "hub", "adapters", "cellar-notes");
  mkdirSync(adapter, { recursive: true });
  writeFileSync(join(adapter, "adapter.toml"), BROKEN);
}

async function serve(folder: string): Promise<Served> {
  // Nobody's settings and adapters reach it.
  const environment = { PATH: "/usr/bin:/bin", HOME: folder };
  const data = ["--data-dir", join(folder, "hub")];
  const hub = spawn(binary(), ["serve", ...data, "--port", "0"], {
    env: environment,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve) => hub.once("exit", () => resolve()));
  const api = await address(hub);
  const { url, close } = await pages(api);
  const end = async () => {
    await close();
    hub.kill("SIGTERM");
    await ended;
  };
  return { url, api, end };
}

async function ask<T>(api: string, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`${api}/api/v1${path}`, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** A model with two versions, of which one is the champion past a gate and one was refused; and one without any. */
async function registerModels(api: string, ids: Record<string, string>): Promise<void> {
  const model = "/registry/models/cultivars";
  const description = "Tells three cultivars of wine apart by what was measured in the glass.";
  await ask(api, "POST", "/registry/models", { name: "cultivars", description, tags: { team: "cellar" } });
  await ask(api, "POST", "/registry/models", { name: "vintages" });
  for (const name of ["softmax-s1", "trees-s1"]) {
    await ask(api, "POST", `${model}/versions`, { run: ids[name], description: `Of ${name}.` });
  }
  const least = (min: number) => ({ threshold: [{ metric: "test/accuracy", min }] });
  await ask(api, "PUT", `${model}/protections/champion`, { gate: least(0.5) });
  await ask(api, "POST", `${model}/promotions`, { version: "1", target: "stage:staging" });
  await ask(api, "POST", `${model}/promotions`, { version: "2", target: "champion" });
  const refused = { version: "1", target: "champion", gate: least(2) };
  await ask(api, "POST", `${model}/promotions`, refused).then(
    () => {
      throw new Error("an accuracy of 2 was passed");
    },
    (error: Error) => {
      if (!error.message.includes("409")) throw error;
    },
  );
}

/** The archive, and what no archive holds: rows to show of the data, a rule, models, a deleted run. */
async function fill(folder: string, { api, url }: Served): Promise<Hub> {
  const archive = join(folder, "wine.mlhub");
  writeFileSync(archive, gunzipSync(readFileSync(join(FIXTURE, "wine.mlhub.gz"))));
  execFileSync(binary(), ["import", archive, "--server", api], { stdio: "pipe" });

  type Run = { id: string; name: string; created_at: number; ended_at: number };
  const { runs } = await ask<{ runs: Run[] }>(api, "GET", `/runs?project=${PROJECT}&limit=100`);
  const { documents } = await ask<{ documents: { id: string }[] }>(api, "GET", "/documents?kind=report");
  const [report] = documents;
  if (!report) throw new Error("the archive holds no report");
  const rows: unknown = JSON.parse(readFileSync(join(FIXTURE, "preview.json"), "utf8"));
  await ask(api, "PUT", `/datasets/${PROJECT}/versions/1/preview`, rows);
  // It finds nothing, whenever the snapshots are taken.
  const rule = { action: "drop_logs", query: "name = scratch", after_ms: 30 * 24 * HOUR_MS, keep_last: 3 };
  await ask(api, "PUT", "/retention/scratch", rule);
  const ids = Object.fromEntries(runs.map((run) => [run.name, run.id]));
  await registerModels(api, ids);
  await ask(api, "DELETE", `/runs/${ids[DELETED]}`);
  const last = Math.max(...runs.map((run) => run.ended_at));
  return { url, folder, runs: ids, report: report.id, last, now: last + HOUR_MS };
}

const LAST_NEVER = Date.UTC(2026, 0, 1);
const NOTHING = { runs: {}, report: "", last: LAST_NEVER, now: LAST_NEVER + HOUR_MS };

export const test = base.extend<object, { hub: Hub; empty: Hub }>({
  hub: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads what a fixture needs from its pattern
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), "mlhub-snapshots-"));
      breakAdapter(folder);
      const served = await serve(folder);
      await use(await fill(folder, served));
      await served.end();
      rmSync(folder, { recursive: true });
    },
    { scope: "worker" },
  ],
  empty: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), "mlhub-snapshots-"));
      const served = await serve(folder);
      await use({ url: served.url, folder, ...NOTHING });
      await served.end();
      rmSync(folder, { recursive: true });
    },
    { scope: "worker" },
  ],
});

export { expect };
