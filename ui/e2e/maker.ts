/** Runs made for one test, over the API as a supervisor would; what was made is purged afterwards. */

import { randomUUID } from "node:crypto";
import { deflateSync } from "node:zlib";
import { type APIRequestContext, expect } from "@playwright/test";

export interface MadeRun {
  id: string;
  name: string;
}

export interface Point {
  name: string;
  step: number;
  time_ms: number;
  value: number | "NaN" | "Infinity" | "-Infinity";
}

interface Wish {
  names: readonly string[];
  experiment?: string;
  params?: Record<string, string>;
  /** Points of the run at a place in `names`. */
  points?: (at: number) => Point[];
  records?: { kind: string; body: Record<string, unknown> }[];
  artifacts?: { path: string; kind: string; bytes: Buffer }[];
  /** Output by stream. */
  logs?: { stdout?: string; stderr?: string };
  /** How it ended, when not well. */
  end?: {
    state: string;
    exit: { code: number };
    failure?: { class: string; message: string; evidence: string[] };
  };
  /** The adapter the runs say they were trained by; it need not be on the hub's machine. */
  adapter?: { name: string; version: string; capabilities: string[] };
  /** What the runs say they were started with: config, code, environment. */
  snapshot?: Record<string, unknown>;
}

export const START_MS = Date.UTC(2026, 0, 1, 12);

export class Maker {
  readonly project = `e2e-${randomUUID().slice(0, 8)}`;
  private readonly request: APIRequestContext;
  private made = false;

  constructor(request: APIRequestContext) {
    this.request = request;
  }

  private async send(
    method: "post" | "put",
    path: string,
    options: { data: unknown; headers?: Record<string, string> },
  ) {
    const answer = await this.request[method](`/api/v1${path}`, options);
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
    return answer;
  }

  /** Ended runs with everything the wish names. */
  async runs(wish: Wish): Promise<MadeRun[]> {
    this.made = true;
    const answer = await this.send("post", "/runs", {
      data: {
        project: this.project,
        experiment: wish.experiment ?? "made",
        params: wish.params ?? {},
        ...(wish.adapter && { adapter: wish.adapter.name, adapter_version: wish.adapter.version }),
        snapshot: { version: 1, ...(wish.adapter && { adapter: wish.adapter }), ...wish.snapshot },
        runs: wish.names.map((name, seed) => ({ name, seed })),
      },
    });
    const { runs } = (await answer.json()) as { runs: MadeRun[] };
    for (const [at, run] of runs.entries()) await this.live(run.id, at, wish);
    return runs;
  }

  /** Runs that have begun and go on, each at 3 of 10. */
  async begin(names: readonly string[]): Promise<MadeRun[]> {
    this.made = true;
    const data = { project: this.project, experiment: "made", params: {}, snapshot: { version: 1 } };
    const answer = await this.send("post", "/runs", {
      data: { ...data, runs: names.map((name) => ({ name })) },
    });
    const { runs } = (await answer.json()) as { runs: MadeRun[] };
    for (const { id } of runs) {
      const now = Date.now();
      await this.send("post", `/runs/${id}/attempts/1/start`, { data: { started_at: now } });
      const body = { done: 3, total: 10, message: "epoch" };
      const records = [{ kind: "progress", body, time_ms: now }];
      const events = { writer: "w", start: 0, end: 1, points: [], records };
      await this.send("post", `/runs/${id}/attempts/1/events`, { data: events });
    }
    return runs;
  }

  private async live(id: string, at: number, wish: Wish) {
    const attempt = `/runs/${id}/attempts/1`;
    await this.send("post", `${attempt}/start`, { data: { started_at: START_MS } });
    for (const { path, kind, bytes } of wish.artifacts ?? []) {
      const query = `path=${encodeURIComponent(path)}&attempt=1&kind=${kind}`;
      const headers = { "content-type": "application/octet-stream" };
      await this.send("put", `/runs/${id}/artifacts/content?${query}`, { data: bytes, headers });
    }
    for (const [stream, text] of Object.entries(wish.logs ?? {})) {
      const headers = { "content-type": "application/octet-stream" };
      await this.send("post", `${attempt}/logs/${stream}?offset=0`, { data: Buffer.from(text), headers });
    }
    const records = (wish.records ?? []).map((record) => ({ ...record, time_ms: START_MS }));
    const events = { writer: "w", start: 0, end: 1, points: wish.points?.(at) ?? [], records };
    await this.send("post", `${attempt}/events`, { data: events });
    const end = { ended_at: START_MS + 60_000, state: "finished", exit: { code: 0 }, ...wish.end };
    await this.send("post", `${attempt}/finish`, { data: end });
  }

  /** Another attempt of an ended run that went on from a step and ended well. */
  async resume(id: string, fromStep: number, points: readonly Point[]) {
    const answer = await this.send("post", `/runs/${id}/attempts`, { data: { resumed_from_step: fromStep } });
    const { number } = (await answer.json()) as { number: number };
    const attempt = `/runs/${id}/attempts/${number}`;
    await this.send("post", `${attempt}/start`, { data: { started_at: START_MS + 120_000 } });
    const events = { writer: "w", start: 0, end: 1, points, records: [] };
    await this.send("post", `${attempt}/events`, { data: events });
    const end = { ended_at: START_MS + 180_000, state: "finished", exit: { code: 0 } };
    await this.send("post", `${attempt}/finish`, { data: end });
  }

  /** Another version of a model, made when it is not there; models whose names begin with the project go with it. */
  async register(model: string, version: { run: string; path?: string }): Promise<number> {
    const path = `/api/v1/registry/models/${encodeURIComponent(model)}`;
    if (!(await this.request.get(path)).ok())
      await this.send("post", "/registry/models", { data: { name: model } });
    const data = { ...version };
    const made = await this.send("post", `/registry/models/${encodeURIComponent(model)}/versions`, { data });
    return ((await made.json()) as { version: number }).version;
  }

  /** Runs that a version names are not purged. */
  private async removeModels() {
    const found = await this.request.get(`/api/v1/registry/models?prefix=${this.project}`);
    const { models } = (await found.json()) as { models: { name: string }[] };
    for (const { name } of models) {
      const answer = await this.request.delete(`/api/v1/registry/models/${encodeURIComponent(name)}`);
      expect(answer.ok(), await answer.text()).toBe(true);
    }
  }

  /** Removes the project with all that was made in it. */
  async purge() {
    if (!this.made) return;
    await this.removeModels();
    await this.send("post", "/deletions", { data: { action: "purge", project: this.project } });
  }
}

function chunk(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length, 0);
  head.write(kind, 4, "latin1");
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc(Buffer.concat([head.subarray(4), body])), 0);
  return Buffer.concat([head, body, sum]);
}

/** CRC-32 of PNG chunks. */
function crc(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** A grey picture of `size` x `size` pixels. */
export function picture(size: number, grey: number): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.writeUInt8(8, 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(size, grey)]);
  const rows = Buffer.concat(Array.from({ length: size }, () => row));
  const parts = [chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...parts]);
}
