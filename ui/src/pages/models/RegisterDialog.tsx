/** Registers files of a run as a version: of a model that is there, or of a new one. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { ApiError } from "~/api/http";
import { artifactsQuery } from "~/api/queries";
import { modelsQuery, registry, type VersionDraft } from "~/api/registry";
import type { ModelVersionView, RunDetail } from "~/api/types";
import { Dialog } from "~/components/Dialog";
import { ErrorNotice, Loading, Notice } from "~/components/parts";
import { showToast } from "~/components/toasts";
import { DESCRIPTION_MAX, NAME_MAX, placesOf, usualPlace } from "~/model/registry";
import { useRegistry } from "./useRegistry";

const CONFLICT = 409;

interface Wish {
  model: string;
  isNew: boolean;
  draft: VersionDraft;
}

/** A model that somebody else made meanwhile is as good as one made here. */
async function register({ model, isNew, draft }: Wish): Promise<ModelVersionView> {
  if (isNew) {
    await registry.create(model).catch((error: unknown) => {
      if (!(error instanceof ApiError) || error.status !== CONFLICT) throw error;
    });
  }
  return registry.versionCreate(model, draft);
}

function Places(props: { places: readonly string[]; value: string; change: (place: string) => void }) {
  return (
    <label className="field">
      <span>Files</span>
      <select className="select" value={props.value} onChange={(event) => props.change(event.target.value)}>
        <option value="">all files of the run</option>
        {props.places.map((place) => (
          <option key={place} value={place}>
            {place}
          </option>
        ))}
      </select>
    </label>
  );
}

function Form(props: { run: RunDetail; usual: string; places: readonly string[]; close: () => void }) {
  const { run, close } = props;
  const models = useInfiniteQuery(modelsQuery()).data ?? [];
  const list = useId();
  const [name, setName] = useState("");
  const [place, setPlace] = useState(props.usual);
  const [description, setDescription] = useState("");
  const act = useRegistry(register);
  const model = name.trim();
  const known = models.find((one) => one.name === model);
  const ready = model !== "" && !act.isPending;
  const submit = () => {
    // A folder is named without its last slash.
    const path = place === "" ? null : place.replace(/\/$/, "");
    const draft = { run: run.id, path, description: description.trim() };
    act.mutate(
      { model, isNew: known === undefined, draft },
      {
        onSuccess: (made) => {
          const link = `/models/${encodeURIComponent(made.model)}/${made.version}`;
          const text = `Registered as version ${made.version} of ${made.model}.`;
          showToast({ text, tone: "good", link, linkText: "Open it" });
          close();
        },
      },
    );
  };
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) submit();
      }}
    >
      <label className="field">
        <span>Model</span>
        <input
          className="input"
          list={list}
          required
          maxLength={NAME_MAX}
          placeholder={run.project}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <datalist id={list}>
          {models.map((one) => (
            <option key={one.id} value={one.name} />
          ))}
        </datalist>
        <span className="faint small" role="status">
          {known &&
            `It has ${known.versions === 0 ? "no version yet" : `version ${known.latest}`}; this one comes after.`}
          {!known && model !== "" && "A new model is made; this is its version 1."}
        </span>
      </label>
      <Places places={props.places} value={place} change={setPlace} />
      <label className="field">
        <span>Description of the version</span>
        <textarea
          className="textarea"
          rows={2}
          maxLength={DESCRIPTION_MAX}
          value={description}
          onChange={(event) => setDescription(event.target.value)}
        />
      </label>
      {act.isError && (
        <div role="alert">
          <Notice tone="bad">{act.error.message}</Notice>
        </div>
      )}
      <div className="row wrap end">
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={!ready}>
          {act.isPending ? "Registering…" : "Register"}
        </button>
      </div>
    </form>
  );
}

export function RegisterDialog({ run, close }: { run: RunDetail; close: () => void }) {
  const query = useQuery(artifactsQuery(run.id));
  const files = query.data?.artifacts;
  return (
    <Dialog title={`Register ${run.name} as a model`} close={close}>
      <p className="muted">
        The version names this run and where its files are. Neither can be purged while it is registered.
      </p>
      {query.isPending && <Loading lines={3} />}
      {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
      {files?.length === 0 && (
        <Notice tone="warn">This run has no artifacts yet. It can be registered all the same.</Notice>
      )}
      {files && <Form run={run} usual={usualPlace(files)} places={placesOf(files)} close={close} />}
    </Dialog>
  );
}
