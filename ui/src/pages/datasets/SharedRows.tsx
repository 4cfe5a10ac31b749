/** Rows that a split shares with another: which they are, and who accepted them, or a form to do so. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { keys } from "~/api/queries";
import { acceptLeakage, type SplitOf } from "~/api/trust";
import { type Acceptance, type Leak, leakedRows } from "~/model/dataset";
import { formatTime, plural } from "~/model/format";

const REASON_MAX = 1_000;

function Accept({ of, split, close }: { of: SplitOf; split: string; close: () => void }) {
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const save = useMutation({
    mutationFn: () => acceptLeakage(of, split, reason.trim()),
    onSuccess: async () => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: ["dataset", of.dataset] }),
        queries.invalidateQueries({ queryKey: keys.leaderboard }),
      ]);
      close();
    },
  });
  const ready = reason.trim() !== "" && !save.isPending;
  return (
    <form
      className="stack tight measure"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) save.mutate();
      }}
    >
      <label className="stack tight">
        <span className="small muted">Why is it right that {split} holds these rows?</span>
        <textarea
          className="textarea"
          maxLength={REASON_MAX}
          rows={2}
          required
          value={reason}
          // biome-ignore lint/a11y/noAutofocus: the reader just asked to write here
          autoFocus
          onChange={(event) => setReason(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") close();
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && ready) save.mutate();
          }}
        />
      </label>
      {save.isError && (
        <p className="small bad-text" role="alert">
          Not accepted: {save.error.message}
        </p>
      )}
      <div className="row">
        <button type="submit" className="button primary" disabled={!ready}>
          Accept these rows
        </button>
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function sharedText(split: string, leak: Leak): string {
  const other = leak.a === split ? leak.b : leak.a;
  const rows = leakedRows(leak);
  const which = rows === "" ? "" : ` (${rows}${leak.a === split ? ` of ${other}` : ""})`;
  return `${plural(leak.sharedRows, "row")} of ${split} also in ${other}${which}`;
}

export function SharedRows(props: {
  of: SplitOf;
  split: string;
  leaks: readonly Leak[];
  accepted: Acceptance | undefined;
}) {
  const { of, split, leaks, accepted } = props;
  const [asking, setAsking] = useState(false);
  return (
    <section
      className={`shared-rows stack tight notice ${accepted ? "warn" : "bad"}`}
      aria-label={`Shared rows of ${split}`}
    >
      {leaks.map((leak) => (
        <h3 key={`${leak.a} ${leak.b}`}>{sharedText(split, leak)}</h3>
      ))}
      {accepted ? (
        <p>
          Accepted by {accepted.user} on {formatTime(accepted.acceptedAt)}: {accepted.reason}
        </p>
      ) : asking ? (
        <Accept of={of} split={split} close={() => setAsking(false)} />
      ) : (
        <div className="row wrap">
          <p className="muted grow">
            Results on {split} stand on no leaderboard until somebody accepts this with a reason.
          </p>
          <button
            type="button"
            className="button"
            aria-label={`Accept the shared rows of ${split} …`}
            onClick={() => setAsking(true)}
          >
            Accept …
          </button>
        </div>
      )}
    </section>
  );
}
