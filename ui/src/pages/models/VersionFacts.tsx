/** What was said when a version was registered, and how it is asked for. */

import type { ModelVersionView } from "~/api/types";
import { Copy, Facts, Panel } from "~/components/parts";
import { formatTime } from "~/model/format";

/** What a client that knows models by address asks for. */
function addressOf({ model, version, aliases }: ModelVersionView): string {
  const [alias] = aliases;
  return alias === undefined ? `models:/${model}/${version}` : `models:/${model}@${alias}`;
}

export function VersionFacts({ version }: { version: ModelVersionView }) {
  return (
    <Panel title="Version">
      <Facts
        items={[
          ["Asked for as", <Copy key="a" value={addressOf(version)} />],
          ["Source", <Copy key="s" value={version.source} />],
          ["Logged model", version.logged_model],
          ["Stage", version.stage],
          ["Status", version.status],
          ["Registered", `${formatTime(version.created_at)} by ${version.created_by}`],
          ["Changed", formatTime(version.updated_at)],
        ]}
      />
    </Panel>
  );
}
