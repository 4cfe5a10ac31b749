/** The resolved config: every value with where it came from, what differs from the defaults or from another run. */

import { lazy, Suspense, useMemo, useState } from "react";
import { Empty, ErrorNotice, Loading, Panel, Segments } from "~/components/parts";
import { configEntries } from "~/model/config";
import { plural } from "~/model/format";
import { asArray, asObject, asText, inline, isEmpty } from "~/model/json";
import { ConfigDiff } from "./ConfigDiff";
import { ConfigTree } from "./ConfigTree";
import { OtherRun } from "./OtherRun";
import type { TabProps } from "./RunPage";
import { useOther } from "./useOther";

const ConfigText = lazy(() => import("./ConfigText"));

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

type View = "all" | "changed" | "text";

export default function ConfigTab({ run }: TabProps) {
  const { snapshot } = run;
  const [view, setView] = useState<View>("all");
  const [filter, setFilter] = useState("");
  const other = useOther("config");
  const entries = useMemo(
    () => configEntries(snapshot.config, snapshot.origins, snapshot.changes_from_defaults),
    [snapshot],
  );
  if (entries.length === 0 || isEmpty(snapshot.config)) {
    return (
      <Empty
        title="No config recorded"
        commands={[["mlhub run experiment.yaml", "records the whole config, each value with its origin"]]}
      >
        <p>This run was made without an experiment file.</p>
      </Empty>
    );
  }
  const changed = entries.filter((entry) => entry.changed);
  const needle = filter.trim().toLowerCase();
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
        <OtherRun run={run} other={other} what={`Config of ${run.name}`} />
        <span className="grow" />
        <Segments
          label="View"
          value={view}
          onChange={setView}
          options={[
            ["all", `All ${entries.length}`],
            ["changed", `Changed from default ${changed.length}`],
            ["text", "YAML / JSON"],
          ]}
        />
      </div>
      {other.error && <ErrorNotice error={other.error} />}
      {other.run && <ConfigDiff run={run} other={other.run} filter={needle} />}
      {view === "text" ? (
        <Suspense fallback={<Loading />}>
          <ConfigText run={run} />
        </Suspense>
      ) : (
        <Panel title={plural(shown.length, "value")} flush>
          {shown.length > 0 ? (
            <ConfigTree entries={shown} unfold={needle !== ""} />
          ) : (
            <div className="inside muted">
              {view === "changed" && filter === ""
                ? "Every param is at the adapter's default."
                : "Nothing matches."}
            </div>
          )}
        </Panel>
      )}
    </>
  );
}
