/** The query language on one screen: what can be named, and how it is compared. */

import { Panel, TableWrap } from "~/components/parts";

const NAMES: readonly (readonly [string, string])[] = [
  ["metrics.NAME", "last logged value; also last(metrics.NAME)"],
  ["min(metrics.NAME), max(...), count(...)", "smallest and largest finite value, number of values"],
  ["eval.SPLIT.NAME", "an evaluated metric, such as eval.test.accuracy"],
  ["params.NAME, tags.NAME", "params and tags"],
  ["id, name, project, experiment, state, adapter, adapter_version, dataset, group, owner, notes", "texts"],
  ["seed, attempt", "numbers"],
  ["created, started, ended, deleted", "times: 2026-01-31, -7d, now"],
  ["duration", "from start to end, or until now: 90s, 1h30m"],
  [
    "group.mean(X), group.std(X), group.min(X), group.max(X), group.count",
    "over the runs of the same seed group",
  ],
];

const SIGNS: readonly (readonly [string, string])[] = [
  ["= != < <= > >=", "compare; numbers by value, texts as they are"],
  ["in (...), not in (...)", "one of several, or none"],
  ["like, ilike", "the whole text with % for anything and _ for one character; ilike in any case"],
  ["~, !~", "a regular expression found anywhere, or nowhere"],
  ["contains", "a text within a text"],
  ["is null, is not null", "missing, or there"],
  ["and, or, not, ( )", "not binds closest, then and"],
  ['"val loss", `a:b`', "quotes around names with spaces or signs"],
];

function Table({ label, rows }: { label: string; rows: readonly (readonly [string, string])[] }) {
  return (
    <TableWrap label={label}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{label}</th>
            <th scope="col">Means</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, what]) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
              </th>
              <td className="muted">{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}

export function QueryReference() {
  return (
    <Panel title="Query language" flush>
      <Table label="Name" rows={NAMES} />
      <Table label="Sign" rows={SIGNS} />
    </Panel>
  );
}
