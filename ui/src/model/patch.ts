/** Lines of a unified diff with what they are. */

export type PatchLineKind = "file" | "hunk" | "added" | "removed" | "context";

export interface PatchLine {
  kind: PatchLineKind;
  text: string;
}

const FILE_HEAD = /^(diff |index |--- |\+\+\+ |new file|deleted file|similarity|rename |Binary )/;

export function patchLines(patch: string): PatchLine[] {
  let inHunk = false;
  return patch
    .replace(/\n$/, "")
    .split("\n")
    .map((text) => {
      if (text.startsWith("diff ")) inHunk = false;
      if (text.startsWith("@@")) {
        inHunk = true;
        return { kind: "hunk", text };
      }
      if (!inHunk && FILE_HEAD.test(text)) return { kind: "file", text };
      if (text.startsWith("+")) return { kind: "added", text };
      if (text.startsWith("-")) return { kind: "removed", text };
      return { kind: "context", text };
    });
}
