/** Config values that are not the same in all compared runs. */

import type { Comparison, RunSummary } from "~/api/types";
import { Panel, Swatch, TableWrap } from "~/components/parts";
import { plural } from "~/model/format";
import { asJson, inline } from "~/model/json";

export function ConfigDiff(props: {
  runs: readonly RunSummary[];
  rows: Comparison["config"];
  colors: ReadonlyMap<string, number>;
}) {
  const { runs, rows, colors } = props;
  if (rows.length === 0) {
    return (
      <Panel title="Config">
        <p className="muted">The resolved configs are the same in every value.</p>
      </Panel>
    );
  }
  return (
    <Panel title={`Config: ${plural(rows.length, "value differs", "values differ")}`} flush>
      <TableWrap label="Config values that differ">
        <table className="table hover">
          <thead>
            <tr>
              <th scope="col">Key</th>
              {runs.map((run) => (
                <th key={run.id} scope="col" title={run.name}>
                  <span className="row">
                    <Swatch color={colors.get(run.id) ?? 0} />
                    <span className="truncate" style={{ maxWidth: 150 }}>
                      {run.name}
                    </span>
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const first = inline(asJson(row.values[0]));
              return (
                <tr key={row.path}>
                  <th scope="row">
                    <code>{row.path}</code>
                  </th>
                  {runs.map((run, i) => {
                    const value = asJson(row.values[i]);
                    const text = value === null ? "absent" : inline(value);
                    return (
                      <td key={run.id} className={inline(value) === first ? "" : "differs"}>
                        <code className={value === null ? "faint" : ""}>{text}</code>
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableWrap>
    </Panel>
  );
}
