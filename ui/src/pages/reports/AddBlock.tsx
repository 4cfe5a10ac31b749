/** Adds a text or a panel; a panel begins with the runs the report has most lately named. */

import type { Dispatch } from "react";
import { newPanel, PANEL_KINDS, panelTitle, type ReportBlock, type ReportPanel } from "~/model/report";
import type { Edit } from "~/model/reportEdit";

function lastRuns(blocks: readonly ReportBlock[]): readonly string[] {
  const block = blocks.findLast((one) => one.type === "panel" && one.panel.kind !== "runs");
  return block?.type === "panel" && block.panel.kind !== "runs" ? block.panel.runs : [];
}

export function AddBlock(props: {
  after: string | undefined;
  blocks: readonly ReportBlock[];
  dispatch: Dispatch<Edit>;
}) {
  const { after, blocks, dispatch } = props;
  const add = (block: { text: string } | { panel: ReportPanel }) => dispatch({ type: "add", after, block });
  return (
    <fieldset className="add-block" aria-label="Add a block">
      <span className="muted small">Add</span>
      <button type="button" className="chip" onClick={() => add({ text: "" })}>
        Text
      </button>
      {PANEL_KINDS.map((kind) => (
        <button
          key={kind}
          type="button"
          className="chip"
          onClick={() => add({ panel: newPanel(kind, lastRuns(blocks)) })}
        >
          {panelTitle(kind)}
        </button>
      ))}
    </fieldset>
  );
}
