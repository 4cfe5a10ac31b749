/** Uncommitted changes of a run by file, whole or side by side; only the rows on screen exist. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import { Icon } from "~/components/Icon";
import { Panel, Segments } from "~/components/parts";
import { plural } from "~/model/format";
import { type PatchLine, type PatchRow, patchFiles, patchRows } from "~/model/patch";
import { saveFile } from "./save";

const ROW_HEIGHT = 20;
const FILE_HEIGHT = 34;
const OVERSCAN = 20;
/** Of a row: what is longer can be read in the file itself. */
const TEXT_MAX = 2_000;
/** Rows above which files begin folded. */
const UNFOLDED_ROWS_MAX = 3_000;

const MARK = { added: "+", removed: "−", context: " ", note: "\\" } as const;
const STATUS = { changed: "", new: "new", deleted: "deleted", renamed: "renamed" } as const;

function Text({ line }: { line: PatchLine | undefined }) {
  if (!line) return <span className="patch-text empty-side" />;
  return (
    <span className={`patch-text ${line.kind}`}>
      <span className="patch-mark">{MARK[line.kind]}</span>
      {line.text.slice(0, TEXT_MAX)}
    </span>
  );
}

function FileHead({ row, toggle }: { row: Extract<PatchRow, { kind: "file" }>; toggle: () => void }) {
  const { file, folded } = row;
  return (
    <button type="button" className="patch-file" aria-expanded={!folded} onClick={toggle}>
      <Icon name="chevron" size={12} />
      <code className="truncate">
        {file.from && `${file.from} → `}
        {file.path}
      </code>
      {STATUS[file.status] && <span className="badge outline">{STATUS[file.status]}</span>}
      {file.binary && <span className="badge outline">binary</span>}
      <span className="grow" />
      <span className="patch-added">+{file.added}</span>
      <span className="patch-removed">−{file.removed}</span>
    </button>
  );
}

function Row({ row, toggle }: { row: PatchRow; toggle: (path: string) => void }) {
  switch (row.kind) {
    case "file":
      return <FileHead row={row} toggle={() => toggle(row.file.path)} />;
    case "hunk":
      return <div className="patch-row hunk">{row.text}</div>;
    case "line":
      return (
        <div className={`patch-row ${row.line.kind}`}>
          <span className="patch-number">{row.line.before}</span>
          <span className="patch-number">{row.line.after}</span>
          <Text line={row.line} />
        </div>
      );
    case "pair":
      return (
        <div className="patch-row pair">
          <span className={`patch-side ${row.left?.kind ?? "none"}`}>
            <span className="patch-number">{row.left?.before}</span>
            <Text line={row.left} />
          </span>
          <span className={`patch-side ${row.right?.kind ?? "none"}`}>
            <span className="patch-number">{row.right?.after}</span>
            <Text line={row.right} />
          </span>
        </div>
      );
  }
}

function Rows({ rows, toggle }: { rows: readonly PatchRow[]; toggle: (path: string) => void }) {
  const scroller = useRef<HTMLElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (rows[index]?.kind === "file" ? FILE_HEIGHT : ROW_HEIGHT),
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: OVERSCAN,
  });
  return (
    <section
      className="patch-scroll"
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      aria-label="Changes"
    >
      <div className="patch-rows" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          return (
            row && (
              <div
                key={item.key}
                className="patch-place"
                style={{ transform: `translateY(${item.start}px)`, height: item.size }}
              >
                <Row row={row} toggle={toggle} />
              </div>
            )
          );
        })}
      </div>
    </section>
  );
}

export function PatchViewer({ patch, name }: { patch: string; name: string }) {
  const files = useMemo(() => patchFiles(patch), [patch]);
  const [view, setView] = useState<"whole" | "split">("whole");
  const all = useMemo(() => new Set(files.map((file) => file.path)), [files]);
  const [folded, setFolded] = useState<ReadonlySet<string>>(() => {
    const rows = files.reduce(
      (sum, file) => sum + file.hunks.reduce((n, hunk) => n + hunk.lines.length, 0),
      0,
    );
    return rows > UNFOLDED_ROWS_MAX ? all : new Set();
  });
  const rows = useMemo(() => patchRows(files, folded, view === "split"), [files, folded, view]);
  const toggle = (path: string) =>
    setFolded((before) => {
      const next = new Set(before);
      if (!next.delete(path)) next.add(path);
      return next;
    });
  return (
    <Panel
      title={`Uncommitted changes in ${plural(files.length, "file")}`}
      aside={
        <div className="row wrap">
          <button
            type="button"
            className="button ghost"
            onClick={() => setFolded(folded.size > 0 ? new Set() : all)}
          >
            {folded.size > 0 ? "Unfold all" : "Fold all"}
          </button>
          <Segments
            label="Layout of the changes"
            value={view}
            onChange={setView}
            options={[
              ["whole", "Unified"],
              ["split", "Side by side"],
            ]}
          />
          <button
            type="button"
            className="button ghost icon"
            aria-label="Download the patch"
            title="Download the patch"
            onClick={() => saveFile(`${name}.patch`, [patch])}
          >
            <Icon name="download" />
          </button>
        </div>
      }
      flush
    >
      <Rows rows={rows} toggle={toggle} />
    </Panel>
  );
}
