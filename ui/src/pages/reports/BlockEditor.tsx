/** One block while it is edited: what it says or shows, its place, and how to take it away. */

import { type Dispatch, useState } from "react";
import { Icon } from "~/components/Icon";
import { Segments } from "~/components/parts";
import { blockTitle, type ReportBlock } from "~/model/report";
import type { Edit } from "~/model/reportEdit";
import { Markdown } from "./figures/Markdown";
import { PanelEditor } from "./PanelEditor";
import { BlockView } from "./ReportView";

interface Props {
  block: ReportBlock;
  at: number;
  count: number;
  dispatch: Dispatch<Edit>;
}

export function BlockEditor(props: Props) {
  const { block, at, count, dispatch } = props;
  const title = blockTitle(block);
  const move = (to: number) => dispatch({ type: "move", key: block.key, to });
  return (
    <section className="panel block-editor" id={`block-${block.key}`} aria-label={title}>
      <header>
        <h2 className="grow truncate">{title}</h2>
        <button
          type="button"
          className="button ghost icon"
          aria-label={`Move up: ${title}`}
          disabled={at === 0}
          onClick={() => move(at - 1)}
        >
          ↑
        </button>
        <button
          type="button"
          className="button ghost icon"
          aria-label={`Move down: ${title}`}
          disabled={at === count - 1}
          onClick={() => move(at + 1)}
        >
          ↓
        </button>
        <button
          type="button"
          className="button ghost icon"
          aria-label={`Delete: ${title}`}
          onClick={() => dispatch({ type: "remove", key: block.key })}
        >
          <Icon name="trash" size={14} />
        </button>
      </header>
      <div className="inside stack">
        {block.type === "markdown" && (
          <TextEditor
            text={block.text}
            onChange={(text) => dispatch({ type: "text", key: block.key, text })}
          />
        )}
        {block.type === "panel" && (
          <PanelEditor
            panel={block.panel}
            onChange={(panel) => dispatch({ type: "panel", key: block.key, panel })}
          />
        )}
        {/* The charts of an analysis are both: what is chosen, and what is shown. */}
        {block.type !== "markdown" && !isAnalysis(block) && <BlockView block={block} />}
      </div>
    </section>
  );
}

function isAnalysis(block: ReportBlock): boolean {
  return block.type === "panel" && block.panel.kind === "analysis";
}

const ROWS_MIN = 4;
const ROWS_MAX = 24;

function TextEditor({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const [mode, setMode] = useState<"write" | "look">("write");
  const rows = Math.min(ROWS_MAX, Math.max(ROWS_MIN, text.split("\n").length + 1));
  return (
    <>
      <div className="row">
        <Segments
          label="Text"
          value={mode}
          onChange={setMode}
          options={[
            ["write", "Write"],
            ["look", "Preview"],
          ]}
        />
        <span className="muted small">Markdown: # heading, **bold**, - list, | table |</span>
      </div>
      {mode === "write" ? (
        <textarea
          className="input report-text"
          aria-label="Markdown"
          rows={rows}
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <Markdown text={text} />
      )}
    </>
  );
}
