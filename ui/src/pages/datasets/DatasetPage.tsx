/** One dataset: its versions, and columns, files and splits of the version shown. */

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { datasetQuery } from "~/api/queries";
import type { DatasetDetail } from "~/api/types";
import { Breadcrumbs } from "~/components/Breadcrumbs";
import { Copy, ErrorNotice, Facts, Loading, Panel, TableWrap } from "~/components/parts";
import { readColumns, readFiles } from "~/model/dataset";
import { formatBytes, formatCount, formatTime, plural, shortHash } from "~/model/format";
import { Changes } from "./Changes";
import { ColumnsPanel } from "./ColumnsPanel";
import { Lineage } from "./Lineage";
import { Preview } from "./Preview";
import { SplitsPanel } from "./SplitsPanel";

const route = getRouteApi("/datasets/$name");

export function DatasetPage() {
  const { name } = route.useParams();
  const { version } = route.useSearch();
  const query = useQuery(datasetQuery(name, version));
  return (
    <div className="page">
      <div className="page-head">
        <Breadcrumbs items={[{ label: "Datasets", to: "/datasets" }, { label: name }]} />
        <h1>{name}</h1>
        {query.data?.description && <p className="muted">{query.data.description}</p>}
      </div>
      <div className="page-body">
        {query.isPending && <Loading lines={8} />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data && <Body name={name} detail={query.data} />}
      </div>
    </div>
  );
}

function Body({ name, detail }: { name: string; detail: DatasetDetail }) {
  const { current } = detail;
  const columns = readColumns(current.inspection);
  const files = readFiles(current.inspection);
  return (
    <>
      <div className="columns">
        <Panel title={`Version ${current.version}`}>
          <Facts
            items={[
              [
                "Fingerprint",
                <Copy key="f" value={current.fingerprint} short={shortHash(current.fingerprint, 16)} />,
              ],
              ["Format", current.format],
              [
                "Rows",
                current.rows === null || current.rows === undefined ? undefined : formatCount(current.rows),
              ],
              ["Size", formatBytes(current.size_bytes)],
              ["Source", <code key="s">{current.source}</code>],
              ["Registered", `${formatTime(current.created_at)} by ${current.owner}`],
            ]}
          />
        </Panel>
        <Panel title={plural(detail.versions.length, "version")} flush>
          <TableWrap label="Versions">
            <table className="table hover">
              <tbody>
                {detail.versions.map((one) => (
                  <tr key={one.version}>
                    <th scope="row">
                      <Link
                        className="link"
                        to="/datasets/$name"
                        params={{ name }}
                        search={{ version: one.version }}
                        aria-current={one.version === current.version ? "page" : undefined}
                      >
                        version {one.version}
                      </Link>
                      {one.version === current.version && <span className="badge accent">shown</span>}
                    </th>
                    <td className="num">
                      {one.rows === null || one.rows === undefined ? "" : plural(one.rows, "row")}
                    </td>
                    <td>
                      <Copy value={one.fingerprint} short={shortHash(one.fingerprint)} />
                    </td>
                    <td className="muted num">{formatTime(one.created_at)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableWrap>
        </Panel>
      </div>
      {current.version > 1 && <Changes name={name} version={current} />}
      <Lineage name={name} version={current.version} />
      <SplitsPanel splits={detail.splits} dataset={name} version={current.version} />
      {columns.length > 0 && <ColumnsPanel columns={columns} rows={current.rows ?? undefined} />}
      <Preview key={current.version} name={name} version={current.version} />
      {files.length > 1 && (
        <Panel title={plural(files.length, "file")} flush>
          <TableWrap label="Files">
            <table className="table hover">
              <tbody>
                {files.slice(0, 200).map((file) => (
                  <tr key={file.path}>
                    <th scope="row">
                      <code>{file.path}</code>
                    </th>
                    <td className="num">{formatBytes(file.sizeBytes)}</td>
                    <td>{file.hash && <Copy value={file.hash} short={shortHash(file.hash)} />}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableWrap>
        </Panel>
      )}
    </>
  );
}
