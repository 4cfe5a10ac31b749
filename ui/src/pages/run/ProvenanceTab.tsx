/** All that reproduces the run: code, environment, machine, data, command. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { recordsQuery } from "~/api/queries";
import { JsonFacts } from "~/components/JsonTree";
import { Copy, Notice, Panel } from "~/components/parts";
import { shortHash } from "~/model/format";
import { asObject, asText, type Json, type JsonObject } from "~/model/json";
import { patchLines } from "~/model/patch";
import type { TabProps } from "./RunPage";

const PATCH_LINES_MAX = 4_000;

function Patch({ patch }: { patch: string }) {
  const lines = patchLines(patch);
  return (
    <Panel title="Uncommitted changes" flush>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre className="code-block patch" tabIndex={0}>
        {lines.slice(0, PATCH_LINES_MAX).map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a patch never change places
          <div key={i} className={line.kind}>
            {line.text || " "}
          </div>
        ))}
        {lines.length > PATCH_LINES_MAX && <div>… {lines.length - PATCH_LINES_MAX} more lines</div>}
      </pre>
    </Panel>
  );
}

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

export default function ProvenanceTab({ run }: TabProps) {
  const { snapshot } = run;
  const code = asObject(snapshot.code);
  const patch = asText(code.patch);
  const command = snapshot.command ?? [];
  return (
    <>
      {(snapshot.warnings ?? []).map((warning) => (
        <Notice key={warning} tone="warn">
          {warning}
        </Notice>
      ))}
      <Panel title="Command">
        <code style={{ overflowWrap: "anywhere" }}>
          {command.length > 0 ? command.map(quoted).join(" ") : "Not recorded."}
        </code>
      </Panel>
      <div className="columns">
        <Panel title="Code">
          <JsonFacts
            first={codeFacts(code)}
            value={code}
            omit={["commit", "branch", "remote", "dirty", "patch"]}
          />
        </Panel>
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
            value={snapshot.dataset}
          />
        </Panel>
        <Entry run={run.id} />
        <Panel title="Adapter">
          <JsonFacts value={snapshot.adapter} omit={["manifest", "schema", "metrics"]} />
        </Panel>
        <Panel title="Machine">
          <JsonFacts value={snapshot.machine} />
        </Panel>
        <Panel title="Environment">
          <JsonFacts value={snapshot.environment} />
        </Panel>
      </div>
      {patch && <Patch patch={patch} />}
    </>
  );
}

/** An argument as a person would type it; shown only, never run. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./{}-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
