/** Asks for the name of a view, or whether to delete it. */

import { useState } from "react";
import { Dialog } from "~/components/Dialog";
import { Notice } from "~/components/parts";
import { VIEW_NAME_MAX, type ViewDocument } from "~/model/views";
import type { ViewActions } from "./useView";

export type ViewWish =
  | { kind: "create"; name: string }
  | { kind: "rename"; view: ViewDocument; name: string }
  | { kind: "remove"; view: ViewDocument };

interface Props {
  wish: ViewWish;
  actions: ViewActions;
  close: () => void;
}

export function ViewDialog(props: Props) {
  return props.wish.kind === "remove" ? (
    <Removing {...props} view={props.wish.view} />
  ) : (
    <Naming {...props} wish={props.wish} />
  );
}

function Naming({ wish, actions, close }: Props & { wish: Exclude<ViewWish, { kind: "remove" }> }) {
  const [name, setName] = useState(wish.name);
  const { create, rename } = actions;
  const given = name.trim();
  const act = wish.kind === "create" ? create : rename;
  const save = () => {
    if (given === "" || act.isPending) return;
    if (wish.kind === "create") create.mutate(given, { onSuccess: close });
    else rename.mutate({ view: wish.view, name: given }, { onSuccess: close });
  };
  return (
    <Dialog title={wish.kind === "create" ? "Save as a view" : "Rename the view"} close={close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <label className="field">
          <span>Name</span>
          <input
            className="input"
            autoFocus
            maxLength={VIEW_NAME_MAX}
            value={name}
            placeholder="Learning rates, best first"
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        {wish.kind === "create" && (
          <p className="muted small">
            It keeps the query, order, groups, columns, eyes and charts as they stand. Everybody who may read
            the project can open it.
          </p>
        )}
        {act.error && <Notice tone="bad">{act.error.message}</Notice>}
        <div className="row wrap end">
          <button type="button" className="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={given === "" || act.isPending}>
            {wish.kind === "create" ? "Save" : "Rename"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Removing({ view, actions, close }: Props & { view: ViewDocument }) {
  const { remove } = actions;
  return (
    <Dialog title={`Delete the view ${view.name}?`} close={close}>
      <p>Its link stops working for everybody. Runs are not touched.</p>
      {remove.error && <Notice tone="bad">{remove.error.message}</Notice>}
      <div className="row wrap end">
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        <button
          type="button"
          className="button primary danger"
          disabled={remove.isPending}
          onClick={() => remove.mutate(view, { onSuccess: close })}
        >
          Delete the view
        </button>
      </div>
    </Dialog>
  );
}
