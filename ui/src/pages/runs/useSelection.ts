/** The runs that are checked, whatever the table shows meanwhile. */

import { useCallback, useMemo, useRef, useState } from "react";
import type { RunFound } from "~/api/types";
import type { Selection } from "./lines";

export function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlyMap<string, RunFound>>(new Map());
  const last = useRef<number>(undefined);
  const set = useCallback((runs: readonly RunFound[], on: boolean, at?: number) => {
    last.current = at;
    setIds((before) => {
      const next = new Map(before);
      for (const run of runs) {
        if (on) next.set(run.id, run);
        else next.delete(run.id);
      }
      return next;
    });
  }, []);
  const anchor = useCallback(() => last.current, []);
  const clear = useCallback(() => {
    last.current = undefined;
    setIds(new Map());
  }, []);
  return useMemo(() => ({ ids, set, anchor, clear }), [ids, set, anchor, clear]);
}
