/**
 * What happened to the reader's runs while a page of the hub is open: a list that stays in this browser, a
 * message in the page, and, when asked for, one of the browser. There is no server that pushes: with every
 * tab closed nothing is told.
 */

import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { client } from "~/api/client";
import { onRunStates } from "~/api/live";
import { infoQuery } from "~/api/queries";
import {
  addNotices,
  type Notice,
  noticeOf,
  noticeText,
  readNotices,
  readWatched,
  WATCHED_MAX,
} from "~/model/notices";
import { byIds } from "~/model/request";
import { currentSettings } from "./settings";
import { readStored, writeStored } from "./storage";
import { showToast } from "./toasts";

const LIST_KEY = "mlhub.notices";
const WATCHED_KEY = "mlhub.watched";
/** Runs asked about at once; a sweep that ends whole is told by its first ones. */
const ASKED_MAX = 100;
/** How far the hub's clock may be behind this browser's. */
const CLOCK_SLACK_MS = 5 * 60_000;
/** More ends than this in one flush come as one message. */
const TOASTS_MAX = 3;

let notices: readonly Notice[] = readNotices(readStored(LIST_KEY));
let watched: ReadonlySet<string> = readWatched(readStored(WATCHED_KEY));
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function setNotices(next: readonly Notice[]): void {
  notices = next;
  writeStored(LIST_KEY, JSON.stringify(notices));
  for (const listener of listeners) listener();
}

export function useNotices(): readonly Notice[] {
  return useSyncExternalStore(subscribe, () => notices);
}

export function markNoticesSeen(): void {
  if (notices.some((notice) => !notice.seen))
    setNotices(notices.map((notice) => ({ ...notice, seen: true })));
}

export function clearNotices(): void {
  setNotices([]);
}

export function useWatched(run: string): boolean {
  return useSyncExternalStore(subscribe, () => watched.has(run));
}

/** Watches a run or stops doing so; a watched run's end is told whoever owns it. */
export function watchRun(run: string, on: boolean): void {
  const rest = [...watched].filter((id) => id !== run);
  watched = new Set(on ? [...rest, run].slice(-WATCHED_MAX) : rest);
  writeStored(WATCHED_KEY, JSON.stringify([...watched]));
  for (const listener of listeners) listener();
}

/** What the browser says about messages outside the page. */
export function browserPermission(): NotificationPermission | "missing" {
  return "Notification" in window ? Notification.permission : "missing";
}

/** Asks the browser; only after a press of the reader, as browsers require. */
export async function askBrowser(): Promise<boolean> {
  if (!("Notification" in window)) return false;
  return (await Notification.requestPermission()) === "granted";
}

function tellBrowser(notice: Notice): void {
  if (!currentSettings().browserNotices || browserPermission() !== "granted") return;
  if (document.visibilityState === "visible") return; // The page itself says it.
  // The tag makes several tabs of the hub tell it once.
  const message = new Notification(noticeText(notice), { body: notice.project, tag: notice.key });
  message.onclick = () => {
    window.focus();
    window.location.assign(`/runs/${encodeURIComponent(notice.run)}`);
  };
}

function tell(fresh: readonly Notice[]): void {
  for (const notice of fresh) tellBrowser(notice);
  if (fresh.length > TOASTS_MAX) {
    const bad = fresh.filter((notice) => notice.state !== "finished").length;
    const text = `${fresh.length} runs ended${bad > 0 ? `, ${bad} of them not well` : ""}`;
    showToast({ text, tone: bad > 0 ? "bad" : "good" });
    return;
  }
  for (const notice of fresh) {
    const tone = notice.state === "finished" ? "good" : notice.state === "stopped" ? "" : "bad";
    showToast({ text: noticeText(notice), tone, link: `/runs/${notice.run}`, linkText: "Open the run" });
  }
}

/** Listens for ends of runs; returns how to stop. */
export function listenForEnds(queries: QueryClient): () => void {
  const since = Date.now() - CLOCK_SLACK_MS;
  return onRunStates((runs) => {
    void check(queries, runs.slice(0, ASKED_MAX), since);
  });
}

async function check(queries: QueryClient, runs: readonly string[], since: number): Promise<void> {
  try {
    const info = await queries.ensureQueryData(infoQuery());
    const answer = await client.runSearch({ query: byIds(runs), columns: ["state"], limit: runs.length });
    const scope = currentSettings().noticeScope;
    const found = answer.runs.flatMap(
      (run) => noticeOf(run, { user: info.user, scope, watched, since }) ?? [],
    );
    const { list, fresh } = addNotices(notices, found);
    if (fresh.length === 0) return;
    setNotices(list);
    tell(fresh);
  } catch {
    // The hub is away: its banner says so, and the run's page shows how it ended.
  }
}
