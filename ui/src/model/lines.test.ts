import { describe, expect, it } from "vitest";
import { type Answer, lineOf, spaceOf } from "./lines";
import { lineCount } from "./rows";

interface Run {
  id: string;
}
interface Group {
  query: string;
}

const none = { open: new Set<string>(), members: new Map() };

function shown(
  answer: Answer<Run, Group>,
  open: Set<string>,
  members: Map<string, { runs: Run[]; total: number }>,
) {
  const space = spaceOf(answer, open, members, 34);
  return Array.from({ length: lineCount(space) }, (_, i) => lineOf(answer, space, open, members, i));
}

describe("lines of runs", () => {
  it("stand at their places, and wait where nothing is loaded", () => {
    const answer: Answer<Run, Group> = {
      grouped: false,
      total: 3,
      runAt: (at) => (at === 1 ? { id: "b" } : undefined),
      groupAt: () => undefined,
      groups: [],
    };
    const lines = shown(answer, none.open, none.members);
    expect(lines.map((line) => line.kind)).toEqual(["loading", "run", "loading"]);
    expect(lines[1]).toMatchObject({ key: "b", at: 1, nested: false });
  });
});

describe("lines of groups", () => {
  const groups: [number, Group][] = [
    [0, { query: "a" }],
    [1, { query: "b" }],
  ];
  const answer: Answer<Run, Group> = {
    grouped: true,
    total: 3,
    runAt: () => undefined,
    groupAt: (at) => groups[at]?.[1],
    groups,
  };

  it("have their runs under them, and say when there are more", () => {
    const members = new Map([["a", { runs: [{ id: "x" }, { id: "y" }], total: 5 }]]);
    const lines = shown(answer, new Set(["a"]), members);
    expect(lines.map((line) => line.kind)).toEqual(["group", "run", "run", "more", "group", "loading"]);
    expect(lines[3]).toMatchObject({ shown: 2, total: 5 });
    expect(lines[4]).toMatchObject({ at: 1, open: false });
  });

  it("say that runs are on their way", () => {
    const lines = shown(answer, new Set(["b"]), new Map());
    expect(lines.map((line) => line.kind)).toEqual(["group", "group", "loading", "loading"]);
    expect(new Set(lines.map((line) => line.key)).size).toBe(4);
  });
});
