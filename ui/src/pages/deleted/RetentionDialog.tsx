/** What retention rules would remove now; and, asked again, removes it. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { client } from "~/api/client";
import type { RetentionOutcome } from "~/api/types";
import { Dialog } from "~/components/Dialog";
import { ErrorNotice, Loading, Notice } from "~/components/parts";
import { sizeBytes } from "~/model/deletions";
import { formatBytes, plural } from "~/model/format";
import type { RetentionWish } from "./Retention";

const LISTED_MAX = 5;

function useRetention(wish: RetentionWish) {
  const queries = useQueryClient();
  const body = { name: wish.name ?? null };
  const preview = useQuery({
    queryKey: ["retention-preview", wish],
    queryFn: ({ signal }) => client.retentionApply({ ...body, dry_run: true }, signal),
    gcTime: 0,
  });
  const act = useMutation({
    mutationFn: () => client.retentionApply(body),
    onSuccess: () => queries.invalidateQueries(),
  });
  return { preview, act };
}

export function RetentionDialog({ wish, close }: { wish: RetentionWish; close: () => void }) {
  const { preview, act } = useRetention(wish);
  const report = act.data ?? preview.data;
  const count = report?.rules.reduce((sum, one) => sum + one.report.done, 0) ?? 0;
  const bytes = report?.rules.reduce((sum, one) => sum + freed(one), 0) ?? 0;
  const what = wish.name ? `Rule ${wish.name}` : "The rules";
  const title = act.data ? `${what}: ${plural(count, "run")} done` : `${what}: what would happen now`;
  return (
    <Dialog title={title} close={close}>
      {preview.isPending && <Loading lines={3} />}
      {preview.isError && <ErrorNotice error={preview.error} retry={() => void preview.refetch()} />}
      {report?.rules.map((outcome) => (
        <Outcome key={outcome.rule.name} outcome={outcome} />
      ))}
      {report && count > 0 && <Freed bytes={bytes} done={act.data !== undefined} />}
      {act.isError && <Notice tone="bad">{act.error.message}</Notice>}
      <div className="row wrap end">
        <button type="button" className="button" onClick={close}>
          Close
        </button>
        {!act.data && (
          <button
            type="button"
            className="button primary danger"
            disabled={count === 0 || act.isPending}
            onClick={() => act.mutate()}
          >
            {act.isPending ? "Working…" : `Do it now to ${plural(count, "run")}`}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function Freed({ bytes, done }: { bytes: number; done: boolean }) {
  if (bytes === 0) return <p className="muted">This frees nothing: deleted runs can be restored.</p>;
  return (
    <p>
      {done ? "Freed" : "This would free"} <b>{formatBytes(bytes)}</b>.
    </p>
  );
}

/** Hidden runs keep their bytes. */
function freed({ rule, report }: RetentionOutcome): number {
  return rule.action === "delete" ? 0 : sizeBytes(report.total);
}

function Outcome({ outcome }: { outcome: RetentionOutcome }) {
  const { rule, report } = outcome;
  const runs = report.runs.filter((run) => !run.refused);
  return (
    <div className="stack tight">
      <h3>
        {rule.name} <span className="faint">{rule.action.replace("_", " ")}</span>
      </h3>
      {report.done === 0 ? (
        <p className="muted">No run meets it.</p>
      ) : (
        <ul className="stack tight">
          {runs.slice(0, LISTED_MAX).map((run) => (
            <li key={run.run} className="row">
              <span className="truncate">{run.name}</span>
              <span className="faint small truncate">
                {run.project} / {run.experiment}
              </span>
            </li>
          ))}
          {report.done > LISTED_MAX && <li className="muted">and {report.done - LISTED_MAX} more</li>}
        </ul>
      )}
      {report.refused > 0 && <p className="muted">{plural(report.refused, "run")} refused: still running.</p>}
    </div>
  );
}
