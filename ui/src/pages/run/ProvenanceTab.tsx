/** All that reproduces the run: code, environment, machine, data, command. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { recordsQuery } from "~/api/queries";
import { inputsQuery } from "~/api/runPage";
import type { RunDetail } from "~/api/types";
import { Icon } from "~/components/Icon";
import { JsonFacts } from "~/components/JsonTree";
import { Copy, Notice, Panel } from "~/components/parts";
import { shellWord } from "~/model/artifactTree";
import { formatBytes, plural, shortHash } from "~/model/format";
import { asObject, asText, type Json, type JsonObject } from "~/model/json";
import { PackagesPanel } from "./PackagesPanel";
import { PatchViewer } from "./PatchViewer";
import { ReproductionPanel } from "./ReproductionPanel";
import type { TabProps } from "./RunPage";

/** Hashes are shown short and copied whole. */
function hash(value: Json | undefined) {
  const text = asText(value);
  return text ? <Copy value={text} short={shortHash(text)} /> : undefined;
}

function codeFacts(code: JsonObject) {
  const dirty = code.dirty === true || Boolean(asText(code.patch));
  const known = asText(code.commit) !== undefined;
  return [
    ["Commit", hash(code.commit)],
    ["Branch", asText(code.branch)],
    ["Remote", asText(code.remote)],
    [
      "State",
      known ? (
        <span key="d" className={`badge ${dirty ? "warn" : "good"}`}>
          {dirty ? "uncommitted changes" : "clean"}
        </span>
      ) : undefined,
    ],
  ] as const;
}

/** Shapes, dtypes, devices and statistics the program logged at its entry; never samples. */
function Entry({ run }: { run: string }) {
  const entry = useQuery(recordsQuery(run, "entry")).data?.records.at(-1);
  if (!entry) return null;
  return (
    <Panel title="What the program read" aside={`attempt ${entry.attempt}`}>
      <JsonFacts value={entry.body} />
    </Panel>
  );
}

function CopyButton({ text }: { text: string }) {
  return (
    <button type="button" className="button ghost" onClick={() => void navigator.clipboard?.writeText(text)}>
      <Icon name="copy" size={14} /> Copy
    </button>
  );
}

function Command({ run }: { run: RunDetail }) {
  const command = (run.snapshot.command ?? []).map(shellWord).join(" ");
  return (
    <Panel title="Command" aside={command && <CopyButton text={command} />}>
      <code className="anywhere">{command || "Not recorded."}</code>
    </Panel>
  );
}

/** Files git does not know: sources are kept whole while they are small, all others by hash. */
function Untracked({ files, kept }: { files: JsonObject; kept: JsonObject }) {
  const list = Object.entries(files);
  if (list.length === 0) return null;
  return (
    <Panel
      title={plural(list.length, "untracked file")}
      aside={<span className="faint small">{plural(Object.keys(kept).length, "source")} kept whole</span>}
    >
      <dl className="facts">
        {list.map(([path, value]) => (
          <div key={path} style={{ display: "contents" }}>
            <dt>
              <code>{path}</code>
            </dt>
            <dd>{hash(value)}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

/** Artifacts of other runs that this one used. */
function Inputs({ run }: { run: string }) {
  const inputs = useQuery(inputsQuery(run)).data?.inputs ?? [];
  if (inputs.length === 0) return null;
  return (
    <Panel title="Artifacts it used">
      <ul className="stack tight">
        {inputs.map((input) => (
          <li key={input.name} className="row wrap">
            <code>{input.name}</code>
            <span className="faint small">{formatBytes(input.size_bytes)}</span>
            {input.source_run && (
              <Link
                className="link"
                to="/runs/$id"
                params={{ id: input.source_run }}
                search={{ tab: "artifacts", ...(input.source_path && { file: input.source_path }) }}
              >
                {input.source_run}/{input.source_path}
              </Link>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Dataset({ run }: TabProps) {
  return (
    <Panel title="Dataset">
      <JsonFacts
        first={[
          [
            "Dataset",
            run.dataset ? (
              <Link
                key="d"
                className="link"
                to="/datasets/$name"
                params={{ name: run.dataset.split("@")[0] ?? "" }}
              >
                {run.dataset}
              </Link>
            ) : undefined,
          ],
          ["Seed of the run", run.seed ?? undefined],
        ]}
        value={run.snapshot.dataset}
      />
    </Panel>
  );
}

export default function ProvenanceTab({ run }: TabProps) {
  const { snapshot } = run;
  const code = asObject(snapshot.code);
  const patch = asText(code.patch);
  return (
    <>
      {(snapshot.warnings ?? []).map((warning) => (
        <Notice key={warning} tone="warn">
          {warning}
        </Notice>
      ))}
      <ReproductionPanel run={run} />
      <Command run={run} />
      {patch && <PatchViewer patch={patch} name={run.name} />}
      <div className="columns">
        <Panel title="Code">
          <JsonFacts
            first={codeFacts(code)}
            value={code}
            omit={["commit", "branch", "remote", "dirty", "patch", "untracked", "sources"]}
          />
        </Panel>
        <Untracked files={asObject(code.untracked)} kept={asObject(code.sources)} />
        <Dataset run={run} />
        <Inputs run={run.id} />
        <Entry run={run.id} />
        <Panel title="Adapter">
          <JsonFacts value={snapshot.adapter} omit={["manifest", "schema", "metrics"]} />
        </Panel>
        <Panel title="Machine">
          <JsonFacts value={snapshot.machine} />
        </Panel>
        <Panel title="Environment">
          <JsonFacts value={snapshot.environment} omit={["packages"]} />
        </Panel>
      </div>
      <PackagesPanel run={run} />
    </>
  );
}
