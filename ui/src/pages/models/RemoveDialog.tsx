/** Asks before a model or a version is deleted; a model wants its name typed. */

import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { registry } from "~/api/registry";
import type { ModelVersionView, RegisteredModelView } from "~/api/types";
import { Dialog } from "~/components/Dialog";
import { Notice } from "~/components/parts";
import { plural } from "~/model/format";
import { useRegistry } from "./useRegistry";

function Buttons(props: { action: string; ready: boolean; close: () => void }) {
  return (
    <div className="row wrap end">
      <button type="button" className="button" onClick={props.close}>
        Cancel
      </button>
      <button type="submit" className="button primary danger" disabled={!props.ready}>
        {props.action}
      </button>
    </div>
  );
}

function Refusal({ error }: { error: Error | null }) {
  return error && <Notice tone="bad">{error.message}</Notice>;
}

function AliasNote({ aliases }: { aliases: readonly string[] }): ReactNode {
  if (aliases.length === 0) return null;
  return (
    <Notice tone="warn">
      What asks for <b>{aliases.join(", ")}</b> finds nothing afterwards.
    </Notice>
  );
}

export function RemoveModel({ model, close }: { model: RegisteredModelView; close: () => void }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const remove = useRegistry(async () => {
    await registry.remove(model.name);
    // Gone from the page before its parts are asked anew.
    await navigate({ to: "/models" });
  });
  const ready = typed === model.name && !remove.isPending;
  return (
    <Dialog title={`Delete the model ${model.name}?`} close={close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) remove.mutate(undefined);
        }}
      >
        <p>
          Its {plural(model.versions, "version")} and aliases go with it. Runs and their files stay, and so
          does the trail: <code>mlhub registry log</code> still tells it.
        </p>
        <AliasNote aliases={Object.keys(model.aliases)} />
        <label className="field">
          <span>
            Type <b>{model.name}</b> to confirm
          </span>
          <input
            className="input"
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </label>
        <Refusal error={remove.error} />
        <Buttons action="Delete the model" ready={ready} close={close} />
      </form>
    </Dialog>
  );
}

export function RemoveVersion(props: { version: ModelVersionView; close: () => void; done: () => unknown }) {
  const { version, close, done } = props;
  const remove = useRegistry(async () => {
    await registry.versionRemove(version.model, version.version);
    // The page of the version is left before anything is asked anew.
    await done();
  });
  return (
    <Dialog title={`Delete version ${version.version} of ${version.model}?`} close={close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!remove.isPending) remove.mutate(undefined);
        }}
      >
        <p>Its number is not given again. Its run and its files stay, and can then be purged.</p>
        <AliasNote aliases={version.aliases} />
        <Refusal error={remove.error} />
        <Buttons action="Delete the version" ready={!remove.isPending} close={close} />
      </form>
    </Dialog>
  );
}
