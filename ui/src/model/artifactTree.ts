/** Artifacts as a tree of folders, and as the rows that are unfolded of it. */

interface File {
  path: string;
  kind: string;
  size_bytes: number;
}

export interface Folder<F extends File> {
  path: string;
  name: string;
  folders: Folder<F>[];
  files: F[];
  /** Of all below it. */
  fileCount: number;
  bytes: number;
}

export type ArtifactRow<F extends File> =
  | { kind: "folder"; key: string; depth: number; folder: Folder<F>; open: boolean }
  | { kind: "file"; key: string; depth: number; name: string; file: F };

function newFolder<F extends File>(path: string, name: string): Folder<F> {
  return { path, name, folders: [], files: [], fileCount: 0, bytes: 0 };
}

export function artifactTree<F extends File>(files: readonly F[]): Folder<F> {
  const root = newFolder<F>("", "");
  const known = new Map<string, Folder<F>>([["", root]]);
  for (const file of [...files].sort((a, b) => a.path.localeCompare(b.path))) {
    const parts = file.path.split("/");
    let folder = root;
    folder.fileCount += 1;
    folder.bytes += file.size_bytes;
    for (const name of parts.slice(0, -1)) {
      const path = folder.path === "" ? name : `${folder.path}/${name}`;
      let next = known.get(path);
      if (!next) {
        next = newFolder(path, name);
        known.set(path, next);
        folder.folders.push(next);
      }
      next.fileCount += 1;
      next.bytes += file.size_bytes;
      folder = next;
    }
    folder.files.push(file);
  }
  return root;
}

/** Rows on screen: folders before files; `closed` names the folders that are folded. */
export function artifactRows<F extends File>(
  root: Folder<F>,
  closed: ReadonlySet<string>,
  depth = 0,
): ArtifactRow<F>[] {
  const folders = root.folders.flatMap((folder): ArtifactRow<F>[] => {
    const open = !closed.has(folder.path);
    const row: ArtifactRow<F> = { kind: "folder", key: `${folder.path}/`, depth, folder, open };
    return open ? [row, ...artifactRows(folder, closed, depth + 1)] : [row];
  });
  const files = root.files.map((file): ArtifactRow<F> => {
    const name = file.path.slice(file.path.lastIndexOf("/") + 1);
    return { kind: "file", key: file.path, depth, name, file };
  });
  return [...folders, ...files];
}

/** Files whose path or kind holds the text, whatever its case. */
export function findArtifacts<F extends File>(files: readonly F[], text: string): F[] {
  const wanted = text.trim().toLowerCase();
  return files.filter((file) => `${file.path} ${file.kind}`.toLowerCase().includes(wanted));
}

/** How to fetch the file from a shell. */
export function fetchCommand(run: string, path: string): string {
  return `mlhub artifacts get ${run} ${shellWord(path)}`;
}

/** An argument as a person would type it; shown only, never run. */
export function shellWord(argument: string): string {
  return /^[\w@%+=:,./{}-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
