/** A report as its readers see it; clean on paper. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { reports } from "~/api/documents";
import { saveText } from "~/components/clipboard";
import { Dialog } from "~/components/Dialog";
import { useOnScreen } from "~/components/hooks";
import { Icon } from "~/components/Icon";
import { ActionMenu } from "~/components/Menu";
import { Empty, Loading, Notice } from "~/components/parts";
import { formatTime } from "~/model/format";
import {
  fileName,
  isWritable,
  type ReportBlock,
  type ReportPanel,
  readBlocks,
  type StoredDocument,
} from "~/model/report";
import { Markdown } from "./figures/Markdown";
import { LivePanel } from "./LivePanel";

export function ReportView({ document, edit }: { document: StoredDocument; edit: () => void }) {
  const blocks = useMemo(() => readBlocks(document.body), [document.body]);
  const [removing, setRemoving] = useState(false);
  const writable = isWritable(document.body);
  return (
    <div className="page-body">
      <article className="report-body">
        <header className="report-title">
          <div className="row wrap">
            <h1 className="grow">{document.name}</h1>
            <ReportActions document={document} blocks={blocks} remove={() => setRemoving(true)} />
            <button type="button" className="button primary no-print" onClick={edit} disabled={!writable}>
              Edit
            </button>
          </div>
          <p className="muted small">
            {document.owner}, changed {formatTime(document.updated_at)}
          </p>
        </header>
        {!writable && (
          <Notice>A newer version of the hub wrote this report: it can only be read here.</Notice>
        )}
        {blocks.length === 0 && (
          <Empty title="An empty report">
            <p>Press Edit and add text and panels.</p>
          </Empty>
        )}
        {blocks.map((block) => (
          <div key={block.key} className="report-block">
            <BlockView block={block} />
          </div>
        ))}
      </article>
      {removing && <RemoveDialog document={document} close={() => setRemoving(false)} />}
    </div>
  );
}

export function BlockView({ block }: { block: ReportBlock }) {
  if (block.type === "markdown") return <Markdown text={block.text} />;
  if (block.type === "unknown") {
    return (
      <p className="report-gone small">
        A block of a kind this version of the hub does not know. It is kept as it is.
      </p>
    );
  }
  return <PanelOnScreen panel={block.panel} />;
}

/** Asks the hub for nothing before it comes near the screen. */
function PanelOnScreen({ panel }: { panel: ReportPanel }) {
  const [ref, near] = useOnScreen<HTMLElement>();
  const [seen, setSeen] = useState(false);
  if (near && !seen) setSeen(true);
  return (
    <section className="report-panel" ref={ref}>
      {seen ? <LivePanel panel={panel} /> : <Loading lines={3} />}
    </section>
  );
}

function ReportActions(props: {
  document: StoredDocument;
  blocks: readonly ReportBlock[];
  remove: () => void;
}) {
  const { document, blocks } = props;
  const queries = useQueryClient();
  const write = useMutation({
    // The renderer of files is large and seldom needed.
    mutationFn: async () => {
      const { exportReport } = await import("./exportReport");
      const text = await exportReport(queries, { name: document.name, blocks });
      saveText(fileName(document.name, "html"), "text/html", text);
    },
  });
  return (
    <>
      <span role="status" className={`small ${write.isError ? "bad-text" : "muted"}`}>
        {write.isPending && "Reading the data…"}
        {write.isError && write.error.message}
      </span>
      <button
        type="button"
        className="button no-print"
        disabled={write.isPending}
        onClick={() => write.mutate()}
      >
        <Icon name="download" size={14} /> Export HTML
      </button>
      <ActionMenu
        label="More"
        className="button no-print"
        button={<span aria-hidden="true">⋯</span>}
        actions={[
          { id: "print", label: "Print", run: () => window.print() },
          { id: "delete", label: "Delete the report", danger: true, run: props.remove },
        ]}
      />
    </>
  );
}

function RemoveDialog({ document, close }: { document: StoredDocument; close: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => reports.remove(document.id),
    onSuccess: async () => {
      await navigate({ to: "/reports" });
      await reports.stale(queries);
    },
  });
  return (
    <Dialog title="Delete the report?" close={close}>
      <p>
        <strong>{document.name}</strong> is deleted for everyone and cannot be brought back. The runs in it
        are not touched.
      </p>
      {remove.isError && (
        <p role="alert" className="bad-text">
          {remove.error.message}
        </p>
      )}
      <div className="row end">
        <button type="button" className="button" onClick={close}>
          Keep it
        </button>
        <button
          type="button"
          className="button primary danger"
          disabled={remove.isPending}
          onClick={() => remove.mutate()}
        >
          Delete
        </button>
      </div>
    </Dialog>
  );
}
