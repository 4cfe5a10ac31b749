/** All registered datasets. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { datasetsQuery } from "~/api/queries";
import { useNow } from "~/components/hooks";
import { Empty, ErrorNotice, Loading, Panel, TableWrap } from "~/components/parts";
import { formatAge, formatTime, plural } from "~/model/format";

export function DatasetsPage() {
  const query = useQuery(datasetsQuery());
  const now = useNow(false);
  const [filter, setFilter] = useState("");
  const all = query.data?.datasets ?? [];
  const needle = filter.toLowerCase();
  const shown = all.filter((one) => `${one.name} ${one.description}`.toLowerCase().includes(needle));
  return (
    <div className="page">
      <div className="page-head">
        <h1>Datasets</h1>
        {all.length > 0 && (
          <div className="toolbar">
            <input
              data-search
              type="search"
              className="input search"
              placeholder="Find a dataset  ( / )"
              aria-label="Find a dataset"
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
          </div>
        )}
      </div>
      <div className="page-body">
        {query.isPending && <Loading />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data && all.length === 0 && (
          <Empty
            title="No datasets yet"
            commands={[
              ["mlhub dataset add digits.csv", "checks the format, counts, and takes a fingerprint"],
              [
                "mlhub dataset add digits.csv --preview 20",
                "also shows its first rows to all who may read here",
              ],
            ]}
          >
            <p>A dataset is registered by name; every content of it is a version with its own fingerprint.</p>
          </Empty>
        )}
        {all.length > 0 && (
          <Panel title={plural(shown.length, "dataset")} flush>
            <TableWrap label="Datasets">
              <table className="table hover">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">Description</th>
                    <th scope="col" className="num">
                      Version
                    </th>
                    <th scope="col" className="num">
                      Age
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((one) => (
                    <tr key={one.name}>
                      <th scope="row">
                        <Link className="link" to="/datasets/$name" params={{ name: one.name }}>
                          {one.name}
                        </Link>
                      </th>
                      <td className="muted">{one.description}</td>
                      <td className="num">{one.latest_version}</td>
                      <td className="num" title={formatTime(one.created_at)}>
                        {formatAge(one.created_at, now)}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </TableWrap>
          </Panel>
        )}
      </div>
    </div>
  );
}
