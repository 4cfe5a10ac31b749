/** The beginning of a file: a raster image, a table, a JSON tree, or text. Markup in it is text; nothing is run. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { artifactText } from "~/api/client";
import type { ArtifactView } from "~/api/types";
import { ErrorNotice, Loading, Panel, Segments, TableWrap } from "~/components/parts";
import { formatBytes, plural } from "~/model/format";
import { type PreviewTable, previewKind, previewTable, previewText, previewTree } from "~/model/preview";
import { JsonBranch } from "./JsonBranch";
import { Picture } from "./MediaItems";

/** Bytes fetched for a preview. */
const PREVIEW_BYTES = 256 * 1024;
const ROWS_SHOWN = 200;
const COLUMNS_SHOWN = 40;
const CELL_MAX = 300;

function Table({ table }: { table: PreviewTable }) {
  const columns = table.columns.slice(0, COLUMNS_SHOWN);
  const rows = table.rows.slice(0, ROWS_SHOWN);
  return (
    <>
      <TableWrap label="Rows of the file">
        <div className="preview-table">
          <table className="table hover dense">
            <thead>
              <tr>
                {columns.map((name, at) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: columns never change places
                  <th scope="col" key={at}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, r) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows never change places
                <tr key={r}>
                  {columns.map((_, at) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: columns never change places
                    <td key={at}>{(row[at] ?? "").slice(0, CELL_MAX)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </TableWrap>
      <p className="inside muted small">
        {rows.length < table.rows.length ? `the first ${ROWS_SHOWN} of ` : ""}
        {plural(table.rows.length, "row")} read, {plural(table.columns.length, "column")}
        {columns.length < table.columns.length && `, the first ${COLUMNS_SHOWN} shown`}
      </p>
    </>
  );
}

function Plain({ text, cut }: { text: string; cut: boolean }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <pre className="code-block" tabIndex={0}>
      {text}
      {cut && `\n… only the first ${formatBytes(PREVIEW_BYTES)} are shown`}
    </pre>
  );
}

function TextPreview({ run, artifact }: { run: string; artifact: ArtifactView }) {
  const [view, setView] = useState<"shaped" | "text">("shaped");
  const query = useQuery({
    queryKey: ["artifact-text", run, artifact.path, artifact.hash, PREVIEW_BYTES],
    queryFn: ({ signal }) => artifactText(run, artifact.path, PREVIEW_BYTES, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (query.isPending) {
    return (
      <Panel title="Preview">
        <Loading />
      </Panel>
    );
  }
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  const { text, cut } = query.data;
  const kind = previewKind(artifact.path);
  const table = kind === "table" ? previewTable(artifact.path, text, cut) : undefined;
  const tree = kind === "tree" ? previewTree(text, cut) : undefined;
  const shaped = table || tree;
  return (
    <Panel
      title="Preview"
      aside={
        shaped && (
          <Segments
            label="View of the file"
            value={view}
            onChange={setView}
            options={[
              ["shaped", table ? "Table" : "Tree"],
              ["text", "Text"],
            ]}
          />
        )
      }
      flush
    >
      {view === "shaped" && table ? (
        <Table table={table} />
      ) : view === "shaped" && tree ? (
        <div className="inside json-tree">
          <JsonBranch name="" value={tree.value} depth={0} />
        </div>
      ) : (
        <Plain text={previewText(artifact.path, text, cut)} cut={cut} />
      )}
    </Panel>
  );
}

export function ArtifactPreview({ run, artifact }: { run: string; artifact: ArtifactView }) {
  switch (previewKind(artifact.path)) {
    case "picture":
      return (
        <Panel title="Preview">
          <Picture run={run} path={artifact.path} name={artifact.path} />
        </Panel>
      );
    case "none":
      return (
        <p className="muted small">There is no safe preview of this kind of file. Download it to open it.</p>
      );
    default:
      return <TextPreview run={run} artifact={artifact} />;
  }
}
