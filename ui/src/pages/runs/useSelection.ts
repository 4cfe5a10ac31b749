/** The runs that are checked, whatever the table shows meanwhile. */

import { useCallback, useMemo, useState } from "react";
import type { RunFound } from "~/api/types";
import type { Selection } from "./lines";

export function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlyMap<string, RunFound>>(new Map());
  const set = useCallback((runs: readonly RunFound[], on: boolean) => {
    setIds((before) => {
      const next = new Map(before);
      for (const run of runs) {
        if (on) next.set(run.id, run);
        else next.delete(run.id);
      }
      return next;
    });
  }, []);
  const clear = useCallback(() => setIds(new Map()), []);
  return useMemo(() => ({ ids, set, clear }), [ids, set, clear]);
}
