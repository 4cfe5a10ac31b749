/** Which runs used which version of a dataset, and the models that came of it. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { datasetRunsQuery } from "~/api/queries";
import type { RunFound } from "~/api/types";
import { useNow } from "~/components/hooks";
import { ErrorNotice, Loading, Panel, StateBadge, Swatch, TableWrap } from "~/components/parts";
import { colorIndex } from "~/model/colors";
import { onDataset, usesByVersion, versionOf } from "~/model/datasetVersions";
import { formatAge, formatCount, formatTime, plural } from "~/model/format";

/** Newest runs looked at. */
const LOOKED_AT_MAX = 500;
const SHOWN_MAX = 10;

function Uses({ name, runs, current }: { name: string; runs: readonly RunFound[]; current: number }) {
  const uses = [...usesByVersion(runs)].sort(([a], [b]) => b - a);
  return (
    <ul className="row wrap inside">
      {uses.map(([version, use]) => (
        <li key={version}>
          <Link
            className={`chip ${version === current ? "on" : ""}`}
            to="/"
            search={{ query: onDataset(name, version) }}
            title={use.projects.join(", ")}
          >
            version {version}: {plural(use.runs, "run")} in {plural(use.projects.length, "project")}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Runs({ runs }: { runs: readonly RunFound[] }) {
  const now = useNow(false);
  return (
    <TableWrap label="Runs on this version">
      <table className="table hover">
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Project</th>
            <th scope="col">Adapter</th>
            <th scope="col">State</th>
            <th scope="col" className="num">
              Age
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.slice(0, SHOWN_MAX).map((run) => (
            <tr key={run.id}>
              <th scope="row">
                <span className="row">
                  <Swatch color={colorIndex(run.id)} />
                  <Link className="link truncate" to="/runs/$id" params={{ id: run.id }}>
                    {run.name}
                  </Link>
                  {run.state === "finished" && (
                    <Link
                      className="badge outline"
                      to="/runs/$id"
                      params={{ id: run.id }}
                      search={{ tab: "artifacts" }}
                    >
                      artifacts
                    </Link>
                  )}
                </span>
              </th>
              <td className="muted">{run.project}</td>
              <td className="muted">{run.adapter ?? "–"}</td>
              <td>
                <StateBadge state={run.state} />
              </td>
              <td className="num" title={formatTime(run.created_at)}>
                {formatAge(run.created_at, now)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}

export function Lineage({ name, version }: { name: string; version: number }) {
  const query = useQuery(datasetRunsQuery(name, LOOKED_AT_MAX));
  const all = query.data?.runs ?? [];
  const mine = all.filter((run) => versionOf(run.dataset) === version);
  const cut = query.data && query.data.total > all.length;
  return (
    <Panel
      title="Used by"
      aside={
        mine.length > 0 && (
          <Link className="link" to="/" search={{ query: onDataset(name, version) }}>
            All runs on version {version}
          </Link>
        )
      }
      flush
    >
      {query.isPending && (
        <div className="inside">
          <Loading lines={3} />
        </div>
      )}
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {all.length > 0 && <Uses name={name} runs={all} current={version} />}
      {mine.length > 0 && <Runs runs={mine} />}
      {query.data && mine.length === 0 && (
        <p className="inside muted">
          No run names version {version}. An experiment that names the dataset <code>{name}</code> is trained
          on its newest version and says so here.
        </p>
      )}
      {cut && (
        <p className="inside faint small">
          Counted over the newest {formatCount(all.length)} runs on this dataset.
        </p>
      )}
    </Panel>
  );
}
