import { describe, expect, it } from "vitest";
import {
  addNotices,
  NOTICES_MAX,
  type Notice,
  noticeOf,
  noticeText,
  readNotices,
  readWatched,
} from "./notices";

const run = {
  id: "r1",
  name: "softmax-s1",
  project: "digits",
  state: "failed",
  owner: "ann",
  attempt: 2,
  ended_at: 1_000,
  failure: { class: "oom", message: "out of memory", evidence: [] },
};
const reader = { user: "ann", scope: "mine" as const, watched: new Set<string>(), since: 500 };
const notice = noticeOf(run, reader) as Notice;

describe("notices", () => {
  it("tell of the reader's own runs, of watched ones, or of all", () => {
    expect(notice).toMatchObject({ key: "r1/2/failed", reason: "out of memory", at: 1_000, seen: false });
    expect(noticeOf({ ...run, owner: "bob" }, reader)).toBeUndefined();
    expect(noticeOf({ ...run, owner: "bob" }, { ...reader, watched: new Set(["r1"]) })).toBeDefined();
    expect(noticeOf({ ...run, owner: "bob" }, { ...reader, scope: "all" })).toBeDefined();
    expect(noticeOf(run, { ...reader, scope: "watched" })).toBeUndefined();
  });
  it("are silent about runs that go on and about old news", () => {
    expect(noticeOf({ ...run, state: "running", ended_at: null }, reader)).toBeUndefined();
    expect(noticeOf(run, { ...reader, since: 1_001 })).toBeUndefined();
  });
  it("come once, newest first, and are bounded", () => {
    const first = addNotices([], [notice, notice]);
    expect(first.fresh).toHaveLength(1);
    expect(addNotices(first.list, [notice]).fresh).toHaveLength(0);
    const many = Array.from({ length: NOTICES_MAX + 5 }, (_, i) => ({ ...notice, key: `k${i}`, at: i }));
    const { list } = addNotices([], many);
    expect(list).toHaveLength(NOTICES_MAX);
    expect(list[0]?.at).toBe(NOTICES_MAX + 4);
  });
  it("say what happened in one line", () => {
    expect(noticeText(notice)).toBe("softmax-s1 failed: out of memory");
    expect(noticeText({ name: "a", state: "lost", reason: undefined })).toBe("a went silent");
  });
  it("are read back, without what is broken", () => {
    expect(readNotices(JSON.stringify([notice, { key: 1 }, null]))).toEqual([notice]);
    expect(readNotices("{")).toEqual([]);
    expect([...readWatched('["a",3,"b"]')]).toEqual(["a", "b"]);
    expect(readWatched("nonsense").size).toBe(0);
  });
});
