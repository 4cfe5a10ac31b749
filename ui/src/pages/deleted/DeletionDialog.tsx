/** Asks before runs are deleted or purged, says what that frees, and afterwards what it did. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { client } from "~/api/client";
import { keys } from "~/api/queries";
import type { DeletionReport } from "~/api/types";
import { Dialog } from "~/components/Dialog";
import { ErrorNotice, Loading, Notice } from "~/components/parts";
import { plural } from "~/model/format";
import { SizeFacts } from "./SizeFacts";

export interface DeletionWish {
  action: "delete" | "restore" | "purge";
  /** Ids; all deleted runs when absent. */
  runs?: readonly string[];
}

const LISTED_MAX = 6;

const WORDS = {
  delete: {
    verb: "Delete",
    done: "deleted",
    told: "They disappear from lists, counts and searches. Nothing is lost: they can be restored.",
  },
  restore: { verb: "Restore", done: "restored", told: "They stand in lists, counts and searches again." },
  purge: {
    verb: "Purge",
    done: "purged",
    told: "Records, metrics, output, evaluations, artifacts that nothing else uses and run directories are removed for good. This cannot be undone.",
  },
} as const;

function useDeletion(wish: DeletionWish, done: () => void) {
  const queries = useQueryClient();
  const body = {
    action: wish.action,
    ...(wish.runs ? { runs: [...wish.runs] } : { all_deleted: true }),
  };
  const preview = useQuery({
    queryKey: ["deletion-preview", wish],
    queryFn: ({ signal }) => client.deletionRun({ ...body, dry_run: true }, signal),
    gcTime: 0,
  });
  const act = useMutation({
    mutationFn: () => client.deletionRun(body),
    onSuccess: async () => {
      done();
      const stale = [keys.runs, keys.sample, keys.projects, keys.deletions, ["run"]];
      await Promise.all(stale.map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
  return { preview, act };
}

export function DeletionDialog(props: { wish: DeletionWish; close: () => void; done: () => void }) {
  const { wish, close } = props;
  const { preview, act } = useDeletion(wish, props.done);
  const words = WORDS[wish.action];
  const ready = preview.data;
  const possible = ready?.done ?? 0;
  if (act.data) return <Outcome report={act.data} action={wish.action} close={close} />;
  return (
    <Dialog title={ready ? `${words.verb} ${plural(possible, "run")}?` : `${words.verb} runs?`} close={close}>
      <p>{words.told}</p>
      {preview.isPending && <Loading lines={3} />}
      {preview.isError && <ErrorNotice error={preview.error} retry={() => void preview.refetch()} />}
      {ready && <Runs report={ready} />}
      {ready && wish.action === "purge" && possible > 0 && (
        <div className="stack tight">
          <h3>This frees</h3>
          <SizeFacts size={ready.total} />
        </div>
      )}
      {act.isError && <Notice tone="bad">{act.error.message}</Notice>}
      <div className="row wrap end">
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        <button
          type="button"
          className={`button primary ${wish.action === "restore" ? "" : "danger"}`}
          disabled={possible === 0 || act.isPending}
          onClick={() => act.mutate()}
        >
          {act.isPending ? "Working…" : `${words.verb} ${possible > 0 ? plural(possible, "run") : ""}`}
        </button>
      </div>
    </Dialog>
  );
}

/** The runs it is about, and those that are refused with the reason. */
function Runs({ report }: { report: DeletionReport }) {
  const taken = report.runs.filter((run) => !run.refused);
  const refused = report.runs.filter((run) => run.refused);
  return (
    <>
      <ul className="stack tight">
        {taken.slice(0, LISTED_MAX).map((run) => (
          <li key={run.run} className="row">
            <span className="truncate">{run.name}</span>
            <span className="faint small truncate">
              {run.project} / {run.experiment}
            </span>
          </li>
        ))}
        {report.done > LISTED_MAX && <li className="muted">and {report.done - LISTED_MAX} more</li>}
      </ul>
      {report.refused > 0 && (
        <Notice tone="warn">
          <h3>{plural(report.refused, "run")} will be left alone</h3>
          <ul>
            {refused.slice(0, LISTED_MAX).map((run) => (
              <li key={run.run}>
                {run.name}: {run.refused}
              </li>
            ))}
          </ul>
        </Notice>
      )}
    </>
  );
}

function Outcome(props: { report: DeletionReport; action: DeletionWish["action"]; close: () => void }) {
  const { report, action, close } = props;
  const { done } = WORDS[action];
  return (
    <Dialog title={`${plural(report.done, "run")} ${done}`} close={close}>
      {action === "purge" && report.done > 0 && (
        <div className="stack tight">
          <h3>Freed</h3>
          <SizeFacts size={report.total} />
        </div>
      )}
      {report.refused > 0 && (
        <Runs report={{ ...report, runs: report.runs.filter((run) => run.refused), done: 0 }} />
      )}
      <div className="row wrap end">
        {action === "delete" && (
          <Link to="/deleted" className="button" onClick={close}>
            See deleted runs
          </Link>
        )}
        {action === "purge" && (
          <Link to="/deleted" search={{ tab: "ledger" }} className="button" onClick={close}>
            See the ledger
          </Link>
        )}
        <button type="button" className="button primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
