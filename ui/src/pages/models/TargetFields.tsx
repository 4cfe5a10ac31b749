/** Chooses an alias by name, those there are offered, or a stage. */

import { useId } from "react";
import { Segments } from "~/components/parts";
import { NAME_MAX, STAGES, type Stage, stageTarget } from "~/model/registry";

export interface TargetDraft {
  kind: "alias" | "stage";
  alias: string;
  stage: Stage;
}

/** What the hub is told; empty while no alias is named. */
export function targetOf(draft: TargetDraft): string {
  return draft.kind === "stage" ? stageTarget(draft.stage) : draft.alias.trim();
}

export function TargetFields(props: {
  draft: TargetDraft;
  aliases: readonly string[];
  change: (draft: TargetDraft) => void;
}) {
  const { draft, change } = props;
  const list = useId();
  return (
    <div className="stack tight">
      <Segments
        label="What it is given"
        value={draft.kind}
        onChange={(kind) => change({ ...draft, kind })}
        options={[
          ["alias", "An alias"],
          ["stage", "A stage"],
        ]}
      />
      {draft.kind === "alias" ? (
        <label className="field">
          <span>Alias</span>
          <input
            className="input"
            list={list}
            required
            maxLength={NAME_MAX}
            placeholder="champion"
            autoComplete="off"
            value={draft.alias}
            onChange={(event) => change({ ...draft, alias: event.target.value })}
          />
          <datalist id={list}>
            {props.aliases.map((alias) => (
              <option key={alias} value={alias} />
            ))}
          </datalist>
        </label>
      ) : (
        <label className="field">
          <span>Stage</span>
          <select
            className="select"
            value={draft.stage}
            onChange={(event) => change({ ...draft, stage: event.target.value as Stage })}
          >
            {STAGES.map((stage) => (
              <option key={stage} value={stage}>
                {stage}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}
