import { describe, expect, it } from "vitest";
import { artifactRows, artifactTree, fetchCommand, findArtifacts } from "./artifactTree";

const file = (path: string, size_bytes = 1, kind = "file") => ({ path, size_bytes, kind });
const files = [file("top.txt"), file("a/b/two.bin", 5), file("a/one.bin", 2, "model")];

describe("artifact tree", () => {
  const root = artifactTree(files);
  it("sums sizes and counts of folders", () => {
    expect([root.fileCount, root.bytes]).toEqual([3, 8]);
    expect(root.folders.map((folder) => [folder.path, folder.fileCount, folder.bytes])).toEqual([
      ["a", 2, 7],
    ]);
  });
  it("lists folders before files, folded ones without what is in them", () => {
    expect(artifactRows(root, new Set()).map((row) => [row.key, row.depth])).toEqual([
      ["a/", 0],
      ["a/b/", 1],
      ["a/b/two.bin", 2],
      ["a/one.bin", 1],
      ["top.txt", 0],
    ]);
    expect(artifactRows(root, new Set(["a"])).map((row) => row.key)).toEqual(["a/", "top.txt"]);
  });
  it("finds by path or kind", () => {
    expect(findArtifacts(files, "MODEL").map((one) => one.path)).toEqual(["a/one.bin"]);
  });
  it("quotes what a shell would split", () => {
    expect(fetchCommand("r", "a b's.txt")).toBe("mlhub artifacts get r 'a b'\\''s.txt'");
  });
});
