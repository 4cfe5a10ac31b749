/** The config as a file: YAML or JSON, to read, copy or take along. */

import { useMemo, useState } from "react";
import { stringify } from "yaml";
import type { RunDetail } from "~/api/types";
import { Icon } from "~/components/Icon";
import { Panel, Segments } from "~/components/parts";
import { saveFile } from "./save";

type Format = "yaml" | "json";

export default function ConfigText({ run }: { run: RunDetail }) {
  const [format, setFormat] = useState<Format>("yaml");
  const text = useMemo(() => {
    const { config } = run.snapshot;
    return format === "yaml" ? stringify(config, { lineWidth: 110 }) : `${JSON.stringify(config, null, 2)}\n`;
  }, [run.snapshot, format]);
  return (
    <Panel
      title="Resolved config"
      aside={
        <div className="row wrap">
          <Segments
            label="Format"
            value={format}
            onChange={setFormat}
            options={[
              ["yaml", "YAML"],
              ["json", "JSON"],
            ]}
          />
          <button
            type="button"
            className="button ghost"
            onClick={() => void navigator.clipboard?.writeText(text)}
          >
            <Icon name="copy" size={14} /> Copy
          </button>
          <button
            type="button"
            className="button ghost"
            onClick={() => saveFile(`${run.name}.${format}`, [text])}
          >
            <Icon name="download" size={14} /> Download
          </button>
        </div>
      }
      flush
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre className="code-block" tabIndex={0}>
        {text}
      </pre>
    </Panel>
  );
}
