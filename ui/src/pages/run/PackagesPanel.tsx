/** The packages of the environment, searched, and against another run's. */

import { useMemo, useState } from "react";
import type { RunDetail } from "~/api/types";
import { ErrorNotice, Panel, TableWrap } from "~/components/parts";
import { plural } from "~/model/format";
import { comparePackages, type PackageRow, readPackages } from "~/model/packages";
import { OtherRun } from "./OtherRun";
import { useOther } from "./useOther";

const ROWS_SHOWN = 400;
const TONE: Record<PackageRow["change"], string> = {
  same: "outline",
  changed: "warn",
  "only here": "info",
  "only there": "info",
};

function Rows({ rows, other }: { rows: readonly PackageRow[]; other: RunDetail | undefined }) {
  return (
    <TableWrap label="Packages">
      <table className="table hover dense">
        <thead>
          <tr>
            <th scope="col">Package</th>
            <th scope="col">Version</th>
            {other && <th scope="col">{other.name}</th>}
            {other && <th scope="col">Difference</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">
                <code>{row.name}</code>
              </th>
              <td>
                <code>{row.version || "–"}</code>
              </td>
              {other && (
                <td className={row.change === "same" ? "" : "differs"}>
                  <code>{row.other ?? "–"}</code>
                </td>
              )}
              {other && (
                <td>
                  <span className={`badge ${TONE[row.change]}`}>{row.change}</span>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}

export function PackagesPanel({ run }: { run: RunDetail }) {
  const other = useOther("provenance");
  const [find, setFind] = useState("");
  const own = useMemo(() => readPackages(run.snapshot.environment), [run.snapshot.environment]);
  const theirs = useMemo(
    () => (other.run ? readPackages(other.run.snapshot.environment) : undefined),
    [other.run],
  );
  const rows = comparePackages(own, theirs ?? []);
  // Against another run, only what differs; all of it on request, by searching.
  const wanted = find.trim().toLowerCase();
  const shown = rows.filter(
    (row) => row.name.toLowerCase().includes(wanted) && (!theirs || wanted !== "" || row.change !== "same"),
  );
  if (own.length === 0) return null;
  return (
    <Panel
      title={
        theirs
          ? `${plural(shown.length, "package")} shown, ${own.length} in all`
          : plural(own.length, "package")
      }
      aside={
        <div className="row wrap">
          <input
            type="search"
            className="input"
            placeholder="Find a package"
            aria-label="Find a package"
            value={find}
            onChange={(event) => setFind(event.target.value)}
          />
          <OtherRun run={run} other={other} what={`Environment of ${run.name}`} />
        </div>
      }
      flush
    >
      {other.error && <ErrorNotice error={other.error} />}
      {shown.length > 0 ? (
        <div className="packages">
          <Rows rows={shown.slice(0, ROWS_SHOWN)} other={other.run} />
        </div>
      ) : (
        <p className="inside muted">
          {theirs && wanted === "" ? "Both environments have the same packages." : "No package is called so."}
        </p>
      )}
      {shown.length > ROWS_SHOWN && (
        <p className="inside muted small">the first {ROWS_SHOWN}; search for the others</p>
      )}
    </Panel>
  );
}
