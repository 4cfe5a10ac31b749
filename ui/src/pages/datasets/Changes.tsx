/** What a version changed against the one before it: rows, columns and how, files. */

import { useQuery } from "@tanstack/react-query";
import { datasetQuery } from "~/api/queries";
import type { DatasetVersionView } from "~/api/types";
import { ErrorNotice, Loading, Panel, TableWrap } from "~/components/parts";
import { type ColumnChange, versionChanges } from "~/model/datasetVersions";
import { formatBytes, formatCount, formatNumber, plural } from "~/model/format";

const SHOWN_MAX = 100;
const TONE = { added: "good", removed: "bad", changed: "warn" } as const;

function signed(value: number, text: (size: number) => string): string {
  return `${value < 0 ? "\u2212" : "+"}${text(Math.abs(value))}`;
}

function shown(value: number | string | undefined): string {
  return typeof value === "string" ? value : formatNumber(value);
}

function Change({ change }: { change: ColumnChange }) {
  return (
    <tr>
      <th scope="row">
        <code>{change.name}</code>
      </th>
      <td>
        <span className={`badge ${TONE[change.kind]}`}>{change.kind}</span>
      </td>
      <td className="muted">
        {change.changes
          .map(({ what, before, after }) => `${what} ${shown(before)} → ${shown(after)}`)
          .join(", ")}
      </td>
    </tr>
  );
}

function Body({ before, after }: { before: DatasetVersionView; after: DatasetVersionView }) {
  const { rows, bytes, columns, files } = versionChanges(before, after);
  const facts = [
    rows === undefined || rows === 0 ? undefined : `${signed(rows, formatCount)} rows`,
    bytes === 0 ? undefined : signed(bytes, formatBytes),
    files.length === 0 ? undefined : `${plural(files.length, "file")} changed`,
    columns.length === 0 ? "no column changed its type or statistics" : undefined,
  ].filter((fact) => fact !== undefined);
  return (
    <>
      <p className="inside muted">{facts.join(", ")}</p>
      {columns.length > 0 && (
        <TableWrap label="Changed columns">
          <table className="table hover">
            <tbody>
              {columns.slice(0, SHOWN_MAX).map((change) => (
                <Change key={change.name} change={change} />
              ))}
            </tbody>
          </table>
          {columns.length > SHOWN_MAX && (
            <p className="inside muted">and {columns.length - SHOWN_MAX} more columns</p>
          )}
        </TableWrap>
      )}
    </>
  );
}

export function Changes({ name, version }: { name: string; version: DatasetVersionView }) {
  const query = useQuery(datasetQuery(name, version.version - 1));
  const before = query.data?.current;
  return (
    <Panel title={`Changed since version ${version.version - 1}`} flush>
      {query.isPending && (
        <div className="inside">
          <Loading lines={2} />
        </div>
      )}
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {before?.version === version.version - 1 && <Body before={before} after={version} />}
    </Panel>
  );
}
