/** Tags of a run, changed in place. */

import type { RunDetail } from "~/api/types";
import { Panel } from "~/components/parts";
import { TagsEditor } from "~/components/TagsEditor";
import { useChange } from "./useChange";

export function TagsPanel({ run }: { run: RunDetail }) {
  const change = useChange(run.id);
  return (
    <Panel title="Tags">
      <TagsEditor
        tags={run.tags}
        pending={change.isPending}
        error={change.error}
        change={(tags, done) => change.mutate({ tags }, { onSuccess: done })}
      />
    </Panel>
  );
}
