/** The resolved config: every value with where it came from. */

import { useMemo, useState } from "react";
import { JsonText } from "~/components/JsonTree";
import { Empty, Panel, Segments, TableWrap } from "~/components/parts";
import { type ConfigEntry, configEntries, type OriginKind } from "~/model/config";
import { plural } from "~/model/format";
import { asArray, asObject, asText, inline, isEmpty } from "~/model/json";
import type { TabProps } from "./RunPage";

const TONE: Record<OriginKind, string> = {
  default: "outline",
  hub: "outline",
  file: "info",
  override: "accent",
  smoke: "warn",
  unknown: "outline",
};

function DefaultChanges({ changes }: { changes: unknown }) {
  if (isEmpty(changes)) return null;
  const list = Array.isArray(changes)
    ? asArray(changes).map((item) => [asText(asObject(item).path) ?? "", item] as const)
    : Object.entries(asObject(changes));
  return (
    <div className="notice warn">
      <h3>Defaults changed since the adapter version used before in this experiment</h3>
      <ul>
        {list.map(([path, change]) => (
          <li key={path}>
            <code>
              {path} {inline(change)}
            </code>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Rows({ entries }: { entries: readonly ConfigEntry[] }) {
  return (
    <TableWrap label="Config values">
      <table className="table hover">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
            <th scope="col">Origin</th>
            <th scope="col">Default</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.path}>
              <th scope="row">
                <code>{entry.path}</code>
              </th>
              <td style={{ overflowWrap: "anywhere" }}>
                <code>{inline(entry.value)}</code>
              </td>
              <td>
                <span className={`badge ${TONE[entry.origin.kind]}`} title={entry.origin.detail}>
                  {entry.origin.label}
                </span>
              </td>
              <td>
                {entry.changed ? (
                  <code className="muted">
                    {entry.defaultValue === undefined ? "none" : inline(entry.defaultValue)}
                  </code>
                ) : (
                  <span className="faint">–</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}

export default function ConfigTab({ run }: TabProps) {
  const { snapshot } = run;
  const [view, setView] = useState<"all" | "changed" | "raw">("all");
  const [filter, setFilter] = useState("");
  const entries = useMemo(
    () => configEntries(snapshot.config, snapshot.origins, snapshot.changes_from_defaults),
    [snapshot],
  );
  if (entries.length === 0 || isEmpty(snapshot.config)) {
    return (
      <Empty title="No config recorded">
        <p>
          This run was made without an experiment file. `mlhub run experiment.yaml` records the whole config.
        </p>
      </Empty>
    );
  }
  const changed = entries.filter((entry) => entry.changed);
  const needle = filter.toLowerCase();
  const shown = (view === "changed" ? changed : entries).filter((entry) =>
    `${entry.path} ${inline(entry.value)}`.toLowerCase().includes(needle),
  );
  return (
    <>
      <DefaultChanges changes={snapshot.default_changes} />
      <div className="toolbar">
        <input
          data-search
          type="search"
          className="input search"
          placeholder="Find a key or value  ( / )"
          aria-label="Find a key or value"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <span className="grow" />
        <Segments
          label="View"
          value={view}
          onChange={setView}
          options={[
            ["all", `All ${entries.length}`],
            ["changed", `Changed from default ${changed.length}`],
            ["raw", "Raw JSON"],
          ]}
        />
      </div>
      <Panel title={view === "raw" ? "Resolved config" : plural(shown.length, "value")} flush>
        {view === "raw" ? (
          <JsonText value={snapshot.config} />
        ) : shown.length > 0 ? (
          <Rows entries={shown} />
        ) : (
          <div className="inside muted">
            {view === "changed" && filter === ""
              ? "Every param is at the adapter's default."
              : "Nothing matches."}
          </div>
        )}
      </Panel>
    </>
  );
}
