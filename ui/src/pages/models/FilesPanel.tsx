/** The files of a version among the artifacts of a run: each leads to its page and can be downloaded. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { artifactUrl } from "~/api/client";
import { artifactsQuery } from "~/api/queries";
import type { ModelVersionView } from "~/api/types";
import { Icon } from "~/components/Icon";
import { Copy, ErrorNotice, Loading, Panel, TableWrap } from "~/components/parts";
import { formatBytes, plural, shortHash } from "~/model/format";
import { filesAt } from "~/model/registry";

/** Files listed at once; the run's page has all. */
const FILES_MAX = 50;

function Files({ run, path }: { run: string; path: string | null | undefined }) {
  const query = useQuery(artifactsQuery(run));
  const files = filesAt(query.data?.artifacts ?? [], path);
  const bytes = files.reduce((sum, file) => sum + file.size_bytes, 0);
  return (
    <Panel
      title="Files"
      aside={
        query.data && (
          <span className="muted small">
            {plural(files.length, "file")}, {formatBytes(bytes)}
          </span>
        )
      }
      flush
    >
      {query.isPending && (
        <div className="inside">
          <Loading lines={2} />
        </div>
      )}
      {query.isError && (
        <div className="inside">
          <ErrorNotice error={query.error} retry={() => void query.refetch()} />
        </div>
      )}
      {query.data && files.length === 0 && (
        <p className="inside muted">
          {path ? (
            <>
              The run has no artifact at <code>{path}</code> any more.
            </>
          ) : (
            "The run has no artifacts."
          )}
        </p>
      )}
      {files.length > 0 && (
        <TableWrap label="Files of the version">
          <table className="table hover">
            <thead>
              <tr>
                <th scope="col">Path</th>
                <th scope="col">Kind</th>
                <th scope="col" className="num">
                  Size
                </th>
                <th scope="col">BLAKE3</th>
                <th scope="col">
                  <span className="visually-hidden">Download</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {files.slice(0, FILES_MAX).map((file) => (
                <tr key={file.path}>
                  <th scope="row">
                    <Link
                      className="link"
                      to="/runs/$id"
                      params={{ id: run }}
                      search={{ tab: "artifacts", file: file.path }}
                    >
                      <code>{file.path}</code>
                    </Link>
                  </th>
                  <td className="muted">{file.kind}</td>
                  <td className="num nowrap">{formatBytes(file.size_bytes)}</td>
                  <td>
                    <Copy value={file.hash} short={shortHash(file.hash)} />
                  </td>
                  <td className="num">
                    <a
                      className="button ghost icon"
                      href={artifactUrl(run, file.path)}
                      download
                      aria-label={`Download ${file.path}`}
                    >
                      <Icon name="download" />
                    </a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      )}
      {files.length > FILES_MAX && (
        <p className="inside muted small">
          The first {FILES_MAX}.{" "}
          <Link className="link" to="/runs/$id" params={{ id: run }} search={{ tab: "artifacts" }}>
            All files of the run
          </Link>
        </p>
      )}
    </Panel>
  );
}

export function FilesPanel({ version }: { version: ModelVersionView }) {
  if (version.artifacts_run) return <Files run={version.artifacts_run} path={version.artifacts_path} />;
  return (
    <Panel title="Files">
      <p className="muted">
        This hub does not have them; whoever registered it says that they are at{" "}
        <Copy value={version.source} />.
      </p>
    </Panel>
  );
}
