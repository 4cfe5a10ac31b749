/** Starting what is written: a smoke run or all of it, in which folder, or on the command line. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { client } from "~/api/client";
import { checkQuery, launchesQuery } from "~/api/queries";
import type { LaunchReply } from "~/api/types";
import { Icon } from "~/components/Icon";
import { Notice } from "~/components/parts";
import { commandText } from "~/model/experimentText";
import { OutputBox } from "./OutputBox";
import type { Draft } from "./useDraft";

type Mode = "smoke" | "full";

function Folder(props: { roots: readonly string[]; folder: string; onChange: (folder: string) => void }) {
  const id = useId();
  return (
    <div className="field">
      <div className="field-head">
        <label htmlFor={id}>folder</label>
      </div>
      <input
        id={id}
        className="input"
        value={props.folder}
        placeholder="a fresh one of the hub"
        list={`${id}-roots`}
        spellCheck={false}
        data-path="folder"
        aria-describedby={`${id}-help`}
        onChange={(event) => props.onChange(event.target.value.trim())}
      />
      <datalist id={`${id}-roots`}>
        {props.roots.map((root) => (
          <option key={root} value={root} />
        ))}
      </datalist>
      <p id={`${id}-help`} className="faint small">
        where paths and commands start; below {props.roots.join(" or ")}
      </p>
    </div>
  );
}

function CommandLine({ draft }: { draft: Draft }) {
  const [copied, setCopied] = useState(false);
  const text = commandText(draft.text, "full", draft.folder);
  return (
    <details>
      <summary>The same on the command line</summary>
      <div className="stack tight">
        <OutputBox label="Commands" text={text} />
        <div>
          <button
            type="button"
            className="button"
            onClick={() => void navigator.clipboard?.writeText(text).then(() => setCopied(true))}
          >
            {copied ? "Copied" : "Copy"}
          </button>
        </div>
      </div>
    </details>
  );
}

export function StartPanel(props: {
  draft: Draft;
  ready: boolean;
  setFolder: (folder: string) => void;
  onStarted: (id: string) => void;
}) {
  const { draft } = props;
  const queries = useQueryClient();
  const known = useQuery(launchesQuery()).data;
  const [accepted, setAccepted] = useState(false);
  const start = useMutation({
    mutationFn: (mode: Mode): Promise<LaunchReply> =>
      client.launch({
        text: draft.text,
        mode,
        folder: draft.folder === "" ? null : draft.folder,
        accept_defaults: accepted,
      }),
    onSuccess: (reply) => {
      if (reply.launch) props.onStarted(reply.launch.id);
      // Something changed since the dry run: its mistakes are shown where they belong.
      else void queries.invalidateQueries({ queryKey: checkQuery(draft.text, draft.folder).queryKey });
    },
  });
  const refusal = known?.refusal;
  const cannot = !props.ready || start.isPending || Boolean(refusal);
  return (
    <section className="panel" aria-label="Start">
      <div className="inside stack">
        {(known?.roots.length ?? 0) > 0 && (
          <Folder roots={known?.roots ?? []} folder={draft.folder} onChange={props.setFolder} />
        )}
        <div className="new-actions">
          <button
            type="button"
            className="button primary"
            disabled={cannot}
            onClick={() => start.mutate("full")}
          >
            Start
          </button>
          <button
            type="button"
            className="button"
            disabled={cannot}
            title="A tiny run that ends in seconds: few rows, few rounds"
            onClick={() => start.mutate("smoke")}
          >
            Smoke run
          </button>
        </div>
        <label className="check">
          <input type="checkbox" checked={accepted} onChange={(event) => setAccepted(event.target.checked)} />
          Accept changed defaults
        </label>
        <p className="faint small">
          Without it, an experiment whose defaults changed since it last ran is not started; it says which.
        </p>
        {refusal && <Notice tone="warn">{refusal}</Notice>}
        {start.isError && (
          <div className="notice bad" role="alert">
            <Icon name="warn" /> {start.error.message}
          </div>
        )}
        {start.data && start.data.mistakes.length > 0 && !start.data.launch && (
          <div className="notice bad" role="alert">
            Nothing was started: {start.data.mistakes[0]?.message}
          </div>
        )}
        <CommandLine draft={draft} />
      </div>
    </section>
  );
}
