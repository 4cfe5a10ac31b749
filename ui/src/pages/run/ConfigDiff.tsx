/** Where the configs of two runs differ; only that. */

import { useMemo } from "react";
import type { RunDetail } from "~/api/types";
import { Panel, TableWrap } from "~/components/parts";
import { configDifferences } from "~/model/config";
import { plural } from "~/model/format";
import { inline, type Json } from "~/model/json";

function Value({ value }: { value: Json | undefined }) {
  return value === undefined ? <span className="faint">not set</span> : <code>{inline(value)}</code>;
}

export function ConfigDiff({ run, other, filter }: { run: RunDetail; other: RunDetail; filter: string }) {
  const all = useMemo(
    () => configDifferences(run.snapshot.config, other.snapshot.config),
    [run.snapshot.config, other.snapshot.config],
  );
  const shown = all.filter((one) => one.path.toLowerCase().includes(filter));
  return (
    <Panel title={all.length === 0 ? "The configs are the same" : plural(shown.length, "difference")} flush>
      {shown.length > 0 && (
        <TableWrap label="Differences of the configs">
          <table className="table hover">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">{run.name}</th>
                <th scope="col">{other.name}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((one) => (
                <tr key={one.path}>
                  <th scope="row">
                    <code>{one.path}</code>
                  </th>
                  <td className="config-value">
                    <Value value={one.here} />
                  </td>
                  <td className="config-value differs">
                    <Value value={one.there} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      )}
    </Panel>
  );
}
