/** A unified diff of git as files, hunks and lines, for reading: whole lines or old and new side by side. */

export interface PatchLine {
  kind: "added" | "removed" | "context" | "note";
  /** Without the leading mark. */
  text: string;
  /** Line numbers in the old and the new file. */
  before: number | undefined;
  after: number | undefined;
}

export interface PatchHunk {
  head: string;
  lines: PatchLine[];
}

export interface PatchFile {
  path: string;
  /** Where it was before, when it was renamed. */
  from: string | undefined;
  status: "changed" | "new" | "deleted" | "renamed";
  binary: boolean;
  added: number;
  removed: number;
  hunks: PatchHunk[];
}

/** A row on screen; the key is unique in its list. */
export type PatchRow =
  | { kind: "file"; key: string; file: PatchFile; folded: boolean }
  | { kind: "hunk"; key: string; text: string }
  | { kind: "line"; key: string; line: PatchLine }
  | { kind: "pair"; key: string; left: PatchLine | undefined; right: PatchLine | undefined };

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** The paths of `diff --git a/x b/y`; with the same name on both sides also where it holds spaces. */
function headPaths(line: string): [string, string] {
  const rest = line.slice("diff --git ".length);
  const half = (rest.length - 1) / 2;
  const strip = (path: string) => path.replace(/^"?[ab]\//, "").replace(/"$/, "");
  if (Number.isInteger(half) && strip(rest.slice(0, half)) === strip(rest.slice(half + 1))) {
    return [strip(rest.slice(0, half)), strip(rest.slice(half + 1))];
  }
  const at = rest.indexOf(" b/");
  return at < 0 ? [rest, rest] : [strip(rest.slice(0, at)), strip(rest.slice(at + 1))];
}

function newFile(path: string): PatchFile {
  return { path, from: undefined, status: "changed", binary: false, added: 0, removed: 0, hunks: [] };
}

/** What a line between a file's head and its first hunk says of the file. */
function readHead(file: PatchFile, line: string): void {
  if (line.startsWith("new file")) file.status = "new";
  else if (line.startsWith("deleted file")) file.status = "deleted";
  else if (line.startsWith("rename from ")) {
    file.status = "renamed";
    file.from = line.slice("rename from ".length);
  } else if (line.startsWith("rename to ")) file.path = line.slice("rename to ".length);
  else if (line.startsWith("GIT binary patch") || line.startsWith("Binary files ")) file.binary = true;
  else if (line.startsWith("+++ ") && !line.startsWith("+++ /dev/null") && file.status !== "renamed") {
    file.path = line
      .slice(4)
      .replace(/^"?b\//, "")
      .replace(/"?\t?$/, "");
  }
}

export function patchFiles(patch: string): PatchFile[] {
  const files: PatchFile[] = [];
  let file: PatchFile | undefined;
  let hunk: PatchHunk | undefined;
  let before = 0;
  let after = 0;
  for (const line of patch.replace(/\n$/, "").split("\n")) {
    if (line.startsWith("diff --git ")) {
      file = newFile(headPaths(line)[1]);
      files.push(file);
      hunk = undefined;
      continue;
    }
    const head = HUNK.exec(line);
    if (!file) {
      if (!head && !line.startsWith("--- ")) continue;
      file = newFile("patch");
      files.push(file);
    }
    if (head) {
      hunk = { head: line, lines: [] };
      file.hunks.push(hunk);
      before = Number(head[1]);
      after = Number(head[2]);
    } else if (!hunk) readHead(file, line);
    else if (line.startsWith("+")) {
      hunk.lines.push({ kind: "added", text: line.slice(1), before: undefined, after });
      after += 1;
      file.added += 1;
    } else if (line.startsWith("-")) {
      hunk.lines.push({ kind: "removed", text: line.slice(1), before, after: undefined });
      before += 1;
      file.removed += 1;
    } else if (line.startsWith("\\")) {
      hunk.lines.push({ kind: "note", text: line.slice(2), before: undefined, after: undefined });
    } else {
      hunk.lines.push({ kind: "context", text: line.slice(1), before, after });
      before += 1;
      after += 1;
    }
  }
  return files;
}

type Pair = readonly [PatchLine | undefined, PatchLine | undefined];

/** Removed lines beside the added ones that follow them. */
export function sideBySide(lines: readonly PatchLine[]): Pair[] {
  const pairs: Pair[] = [];
  let removed: PatchLine[] = [];
  let added: PatchLine[] = [];
  const flush = () => {
    for (let i = 0; i < Math.max(removed.length, added.length); i += 1) pairs.push([removed[i], added[i]]);
    removed = [];
    added = [];
  };
  for (const line of lines) {
    if (line.kind === "removed") {
      if (added.length > 0) flush();
      removed.push(line);
    } else if (line.kind === "added") added.push(line);
    else {
      flush();
      pairs.push([line, line]);
    }
  }
  flush();
  return pairs;
}

/** Rows of all files; folded ones show their head only. */
export function patchRows(
  files: readonly PatchFile[],
  folded: ReadonlySet<string>,
  split: boolean,
): PatchRow[] {
  return files.flatMap((file, f): PatchRow[] => {
    const head: PatchRow = { kind: "file", key: `${f}`, file, folded: folded.has(file.path) };
    if (head.folded) return [head];
    const body = file.hunks.flatMap((hunk, h): PatchRow[] => {
      const key = `${f}.${h}`;
      const rows: PatchRow[] = split
        ? sideBySide(hunk.lines).map(([left, right], i) => ({
            kind: "pair",
            key: `${key}.${i}`,
            left,
            right,
          }))
        : hunk.lines.map((line, i) => ({ kind: "line", key: `${key}.${i}`, line }));
      return [{ kind: "hunk", key, text: hunk.head }, ...rows];
    });
    return [head, ...body];
  });
}
