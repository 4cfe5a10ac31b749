/** What can be done with a run: stop, compare, clone, copy, register as a model, delete. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { client } from "~/api/client";
import { keys } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import { Dialog } from "~/components/Dialog";
import { Icon } from "~/components/Icon";
import { ActionMenu } from "~/components/Menu";
import { usePageActions } from "~/components/pageActions";
import { ErrorNotice } from "~/components/parts";
import { isActive } from "~/model/states";
import { DeletionDialog } from "../deleted/DeletionDialog";
import { RegisterDialog } from "../models/RegisterDialog";
import { RunPicker } from "./RunPicker";

type Open = "stop" | "compare" | "register" | "delete" | undefined;

function StopDialog({ run, close }: { run: RunDetail; close: () => void }) {
  const queries = useQueryClient();
  const stop = useMutation({
    mutationFn: () => client.stopRun(run.id),
    onSuccess: async () => {
      close();
      await Promise.all([
        queries.invalidateQueries({ queryKey: keys.run(run.id) }),
        queries.invalidateQueries({ queryKey: keys.runs }),
      ]);
    },
  });
  return (
    <Dialog title={`Stop ${run.name}?`} close={close}>
      <p className="muted">
        Its program is asked to end and gets time to save before it is ended. The run can be resumed later
        with the command <code>mlhub run --resume {run.id}</code>.
      </p>
      {stop.isError && <ErrorNotice error={stop.error} />}
      <div className="row end">
        <button type="button" className="button" onClick={close}>
          Let it run
        </button>
        <button
          type="button"
          className="button primary danger"
          disabled={stop.isPending}
          onClick={() => stop.mutate()}
        >
          Stop the run
        </button>
      </div>
    </Dialog>
  );
}

function copy(text: string): void {
  void navigator.clipboard?.writeText(text);
}

/** The actions beyond the buttons: in the menu and in the command palette. */
function useMore(run: RunDetail, open: (what: Open) => void) {
  const active = isActive(run.state);
  return [
    { id: "copy-id", label: "Copy the id", run: () => copy(run.id) },
    { id: "copy-link", label: "Copy the link", run: () => copy(window.location.href) },
    { id: "register", label: "Register as a model…", run: () => open("register") },
    ...(active
      ? []
      : [
          {
            id: "copy-resume",
            label: "Copy the command to resume",
            run: () => copy(`mlhub run --resume ${run.id}`),
          },
          { id: "delete", label: "Delete the run…", danger: true, run: () => open("delete") },
        ]),
  ];
}

export function RunActions({ run }: { run: RunDetail }) {
  const [open, setOpen] = useState<Open>();
  const navigate = useNavigate();
  const { history } = useRouter();
  const more = useMore(run, setOpen);
  const clone = `/new?from=${encodeURIComponent(run.id)}`;
  usePageActions([
    { id: "run-compare", label: "Compare this run with another", run: () => setOpen("compare") },
    { id: "run-clone", label: "Clone this run as a new experiment", run: () => history.push(clone) },
    ...more.map((action) => ({ id: `run-${action.id}`, label: action.label, run: action.run })),
  ]);
  const close = () => setOpen(undefined);
  return (
    <div className="row wrap run-actions">
      {isActive(run.state) && (
        <button
          type="button"
          className="button danger"
          disabled={run.stop_requested}
          onClick={() => setOpen("stop")}
        >
          <Icon name="stop" size={13} /> {run.stop_requested ? "Stopping" : "Stop"}
        </button>
      )}
      <button type="button" className="button" onClick={() => setOpen("compare")}>
        <Icon name="compare" size={14} /> Compare
      </button>
      <a
        className="button"
        href={clone}
        title="A new experiment with the config of this run"
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          history.push(clone);
        }}
      >
        <Icon name="copy" size={14} /> Clone
      </a>
      <ActionMenu label="More actions" className="button icon" button="⋯" actions={more} />
      {open === "stop" && <StopDialog run={run} close={close} />}
      {open === "compare" && (
        <RunPicker
          title={`Compare ${run.name} with`}
          run={run}
          close={close}
          choose={(other) => void navigate({ to: "/compare", search: { runs: `${run.id},${other}` } })}
        />
      )}
      {open === "register" && <RegisterDialog run={run} close={close} />}
      {open === "delete" && (
        <DeletionDialog wish={{ action: "delete", runs: [run.id] }} close={close} done={() => undefined} />
      )}
    </div>
  );
}
