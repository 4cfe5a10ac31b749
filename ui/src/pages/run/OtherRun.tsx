/** Chooses the run to compare a tab with, and says which it is. */

import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { RunDetail } from "~/api/types";
import { Icon } from "~/components/Icon";
import { RunPicker } from "./RunPicker";
import type { Other } from "./useOther";

export function OtherRun({ run, other, what }: { run: RunDetail; other: Other; what: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      {other.id === undefined ? (
        <button type="button" className="button" onClick={() => setOpen(true)}>
          <Icon name="compare" size={14} /> Compare with a run
        </button>
      ) : (
        <span className="chip other-run">
          against
          <Link className="link truncate" to="/runs/$id" params={{ id: other.id }}>
            {other.run?.name ?? other.id}
          </Link>
          <button type="button" aria-label="Choose another run" onClick={() => setOpen(true)}>
            <Icon name="edit" size={12} />
          </button>
          <button type="button" aria-label="Compare with none" onClick={() => other.choose(undefined)}>
            <Icon name="close" size={12} />
          </button>
        </span>
      )}
      {open && (
        <RunPicker
          title={`${what} against`}
          run={run}
          close={() => setOpen(false)}
          choose={(id) => other.choose(id)}
        />
      )}
    </>
  );
}
