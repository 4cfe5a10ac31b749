import { describe, expect, it } from "vitest";
import {
  activityByProject,
  dayStart,
  lastDays,
  newestByExperiment,
  readProgress,
  timeLeft,
} from "./activity";

const NOW = new Date(2026, 2, 30, 15, 0).getTime();

describe("activity", () => {
  it("has every day once, also over a change of the clock", () => {
    const days = lastDays(NOW, 14);
    expect(days).toHaveLength(14);
    expect(new Set(days).size).toBe(14);
    expect(days.at(-1)).toBe(dayStart(NOW));
    for (const day of days) expect(new Date(day).getHours()).toBe(0);
  });
  it("counts runs on their day, per project, and leaves out older ones", () => {
    const yesterday = NOW - 86_400_000;
    const runs = [
      { project: "a", created_at: NOW, state: "finished" },
      { project: "a", created_at: NOW - 1_000, state: "failed" },
      { project: "a", created_at: yesterday, state: "lost" },
      { project: "b", created_at: yesterday, state: "running" },
      { project: "b", created_at: NOW - 90 * 86_400_000, state: "finished" },
    ];
    const found = activityByProject(runs, NOW, 7);
    expect(
      found
        .get("a")
        ?.slice(-2)
        .map(({ runs, bad }) => [runs, bad]),
    ).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(found.get("b")?.reduce((sum, day) => sum + day.runs, 0)).toBe(1);
  });
});

describe("what is new", () => {
  const run = (id: string, experiment: string, created_at: number, ended_at: number | null = null) => ({
    id,
    project: "p",
    experiment,
    created_at,
    ended_at,
  });
  it("is one line per experiment, by when something last happened", () => {
    const found = newestByExperiment([run("a", "sweep", 5), run("b", "sweep", 1, 9), run("c", "other", 7)]);
    expect(found.map(({ run, more }) => [run.id, more])).toEqual([
      ["b", 1],
      ["c", 0],
    ]);
  });
});

describe("progress", () => {
  it("is a share only where the whole is known", () => {
    expect(readProgress({ done: 3, total: 10, message: "epoch" })).toEqual({
      done: 3,
      total: 10,
      share: 0.3,
      message: "epoch",
    });
    expect(readProgress({ done: 3 })?.share).toBeUndefined();
    expect(readProgress({ done: 12, total: 10 })?.share).toBe(1);
    expect(readProgress({ total: 10 })).toBeUndefined();
    expect(readProgress(null)).toBeUndefined();
  });
  it("tells the time left only when there is enough to tell it from", () => {
    const quarter = { done: 1, total: 4, share: 0.25, message: undefined };
    expect(timeLeft(quarter, 0, 10_000)).toBe(30_000);
    expect(timeLeft(quarter, 0, 500)).toBeUndefined();
    expect(timeLeft(quarter, null, 10_000)).toBeUndefined();
    expect(timeLeft({ ...quarter, share: undefined }, 0, 10_000)).toBeUndefined();
  });
});
