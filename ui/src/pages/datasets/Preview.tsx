/** The rows that were allowed to be shown when a version was registered; without that, how to allow it. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "~/api/http";
import { datasetPreviewQuery } from "~/api/queries";
import { ErrorNotice, Panel, TableWrap } from "~/components/parts";
import type { Cell, DatasetPreview } from "~/model/datasetVersions";
import { formatCount, plural } from "~/model/format";

function cellText(cell: Cell): string {
  return cell === null ? "" : String(cell);
}

function Rows({ preview }: { preview: DatasetPreview }) {
  return (
    <TableWrap label="Preview">
      <table className="table hover preview">
        <thead>
          <tr>
            {preview.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {preview.rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of a fixed content have no other name
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={preview.columns[column]} className={typeof cell === "number" ? "num" : ""}>
                  {cell === null ? <span className="faint">missing</span> : cellText(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}

export function Preview({ name, version }: { name: string; version: number }) {
  const [asked, setAsked] = useState(false);
  const query = useQuery({ ...datasetPreviewQuery(name, version), enabled: asked });
  const preview = query.data;
  const none = query.error instanceof ApiError && query.error.status === 404;
  return (
    <Panel
      title="Preview"
      aside={
        preview && (
          <span className="muted small">
            {plural(preview.rows.length, "row")} of {formatCount(preview.total_rows)}
          </span>
        )
      }
      flush={preview !== undefined}
    >
      {!asked && (
        <div className="row wrap">
          <button type="button" className="button" onClick={() => setAsked(true)}>
            Show rows
          </button>
          <span className="muted small">Only rows that were allowed to be shown at registration.</span>
        </div>
      )}
      {asked && query.isPending && <p className="muted">Asking the hub</p>}
      {none && (
        <p className="muted">
          No rows of this version may be shown. Rows are kept only when they were asked for at registration:{" "}
          <code>mlhub dataset add FILE --name {name} --preview 20</code>
        </p>
      )}
      {query.isError && !none && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {preview && <Rows preview={preview} />}
    </Panel>
  );
}
