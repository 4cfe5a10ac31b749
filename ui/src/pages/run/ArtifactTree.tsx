/** The tree of a run's files: folders fold, arrow keys go through it, only the rows on screen exist. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { artifactUrl } from "~/api/client";
import type { ArtifactView } from "~/api/types";
import { Icon } from "~/components/Icon";
import { type ArtifactRow, artifactRows, artifactTree } from "~/model/artifactTree";
import { formatBytes, plural } from "~/model/format";

const ROW_HEIGHT = 32;
const INDENT = 16;
const OVERSCAN = 12;

function FolderRow(props: {
  row: Extract<ArtifactRow<ArtifactView>, { kind: "folder" }>;
  toggle: () => void;
}) {
  const { folder, open, depth } = props.row;
  return (
    <button
      type="button"
      className="artifact-row folder"
      aria-expanded={open}
      style={{ paddingLeft: 10 + depth * INDENT }}
      onClick={props.toggle}
    >
      <Icon name="chevron" size={12} />
      <span className="grow truncate">{folder.name}/</span>
      <span className="faint small nowrap">{plural(folder.fileCount, "file")}</span>
      <span className="artifact-size">{formatBytes(folder.bytes)}</span>
    </button>
  );
}

function FileRow(props: {
  run: string;
  row: Extract<ArtifactRow<ArtifactView>, { kind: "file" }>;
  chosen: boolean;
  open: () => void;
}) {
  const { file, name, depth } = props.row;
  return (
    <div className={`artifact-row file ${props.chosen ? "chosen" : ""}`}>
      <button
        type="button"
        className="artifact-open"
        aria-label={`Open ${file.path}`}
        aria-pressed={props.chosen}
        style={{ paddingLeft: 28 + depth * INDENT }}
        onClick={props.open}
      >
        <span className="grow truncate">{name}</span>
        <span className="badge outline">{file.kind}</span>
        <span className="artifact-size">{formatBytes(file.size_bytes)}</span>
      </button>
      <a
        className="button ghost icon"
        href={artifactUrl(props.run, file.path)}
        download
        aria-label={`Download ${file.path}`}
      >
        <Icon name="download" />
      </a>
    </div>
  );
}

/** Up and down go from row to row. */
function onArrow(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>("button")];
  const at = stops.indexOf(document.activeElement as HTMLElement);
  const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (at < 0 || !next) return;
  event.preventDefault();
  next.focus();
}

export function ArtifactTree(props: {
  run: string;
  files: readonly ArtifactView[];
  chosen: string | undefined;
  /** Whether all folders are open, as while searching. */
  unfold: boolean;
  open: (path: string) => void;
}) {
  const { files, unfold } = props;
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const root = useMemo(() => artifactTree(files), [files]);
  const rows = useMemo(() => artifactRows(root, unfold ? new Set() : closed), [root, unfold, closed]);
  const scroller = useRef<HTMLElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: OVERSCAN,
  });
  const toggle = (path: string) =>
    setClosed((before) => {
      const next = new Set(before);
      if (!next.delete(path)) next.add(path);
      return next;
    });
  return (
    <section className="artifact-scroll" ref={scroller} aria-label="Artifacts" onKeyDown={onArrow}>
      <div className="artifact-rows" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          return (
            row && (
              <div
                key={item.key}
                className="artifact-place"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {row.kind === "folder" ? (
                  <FolderRow row={row} toggle={() => toggle(row.folder.path)} />
                ) : (
                  <FileRow
                    run={props.run}
                    row={row}
                    chosen={row.file.path === props.chosen}
                    open={() => props.open(row.file.path)}
                  />
                )}
              </div>
            )
          );
        })}
      </div>
    </section>
  );
}
