import { describe, expect, it } from "vitest";
import { patchFiles, patchRows, sideBySide } from "./patch";

const PATCH = `diff --git a/x.py b/x.py
index 1..2 100644
--- a/x.py
+++ b/x.py
@@ -3,4 +3,4 @@ def f():
 same
-old
--- not a head
+new
 end
\\ No newline at end of file
diff --git a/a b.txt b/a b.txt
new file mode 100644
--- /dev/null
+++ b/a b.txt
@@ -0,0 +1 @@
+hello
diff --git a/old.bin b/new.bin
similarity index 90%
rename from old.bin
rename to new.bin
GIT binary patch
literal 4
zcmZ
`;

describe("patchFiles", () => {
  const files = patchFiles(PATCH);
  it("reads names, states and counts", () => {
    expect(
      files.map(({ path, from, status, binary, added, removed }) => [
        path,
        from,
        status,
        binary,
        added,
        removed,
      ]),
    ).toEqual([
      ["x.py", undefined, "changed", false, 1, 2],
      ["a b.txt", undefined, "new", false, 1, 0],
      ["new.bin", "old.bin", "renamed", true, 0, 0],
    ]);
  });
  it("numbers the lines of both sides", () => {
    const lines = files[0]?.hunks[0]?.lines ?? [];
    expect(lines.map((line) => [line.kind, line.before, line.after])).toEqual([
      ["context", 3, 3],
      ["removed", 4, undefined],
      ["removed", 5, undefined],
      ["added", undefined, 4],
      ["context", 6, 5],
      ["note", undefined, undefined],
    ]);
    expect(lines[2]?.text).toBe("-- not a head");
  });
  it("puts removed lines beside added ones", () => {
    const pairs = sideBySide(files[0]?.hunks[0]?.lines ?? []);
    expect(pairs.map(([left, right]) => [left?.text, right?.text])).toEqual([
      ["same", "same"],
      ["old", "new"],
      ["-- not a head", undefined],
      ["end", "end"],
      ["No newline at end of file", "No newline at end of file"],
    ]);
  });
  it("shows the head alone of a folded file, and keys no row twice", () => {
    expect(patchRows(files, new Set(["x.py", "a b.txt", "new.bin"]), false).map((row) => row.kind)).toEqual([
      "file",
      "file",
      "file",
    ]);
    for (const split of [false, true]) {
      const rows = patchRows(files, new Set(), split);
      expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
    }
  });
  it("takes a patch without a git head, and none at all", () => {
    expect(
      patchFiles("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n").map((file) => [file.path, file.added]),
    ).toEqual([["x", 1]]);
    expect(patchFiles("")).toEqual([]);
  });
});
