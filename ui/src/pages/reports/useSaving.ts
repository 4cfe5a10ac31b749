/** Saves a draft under the revision it began from; another's save in between is a conflict, never lost. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { reports } from "~/api/documents";
import { ApiError } from "~/api/http";
import { readBlocks, type StoredDocument, writeBlocks } from "~/model/report";
import type { Draft } from "~/model/reportEdit";

export interface Saving {
  dirty: boolean;
  pending: boolean;
  error: string | undefined;
  /** What another saved meanwhile. */
  conflict: StoredDocument | undefined;
  save: () => void;
  /** Saves, then goes on; stays when that failed. */
  saveThen: (go: () => void, stay: () => void) => void;
  /** Puts the draft over what another saved. */
  overwrite: () => void;
  /** Keeps the draft as a report of its own. */
  saveCopy: (name: string) => void;
  dismiss: () => void;
}

function textOf(draft: Draft): string {
  return JSON.stringify([draft.name, writeBlocks(draft.blocks)]);
}

export function useSaving(document: StoredDocument, draft: Draft): Saving {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [base, setBase] = useState(() => ({
    revision: document.revision,
    text: textOf({ name: document.name, blocks: readBlocks(document.body) }),
  }));
  const [conflict, setConflict] = useState<StoredDocument>();
  const text = useMemo(() => textOf(draft), [draft]);
  const save = useMutation({
    mutationFn: (revision: number) => reports.save(document.id, { ...draft, revision }),
    onSuccess: async (stored) => {
      setConflict(undefined);
      setBase({ revision: stored.revision, text });
      await reports.put(queries, stored);
    },
    onError: async (error) => {
      if (error instanceof ApiError && error.status === 409) setConflict(await reports.read(document.id));
    },
  });
  const copy = useMutation({
    mutationFn: (name: string) => reports.create(name, document.project, draft.blocks),
    onSuccess: async (stored) => {
      setConflict(undefined);
      setBase((before) => ({ ...before, text }));
      await reports.put(queries, stored);
      void navigate({ to: "/reports/$id", params: { id: stored.id }, ignoreBlocker: true });
    },
  });
  const failed = copy.error ?? save.error;
  return {
    dirty: text !== base.text,
    pending: save.isPending || copy.isPending,
    error: failed && !conflict ? failed.message : undefined,
    conflict,
    save: () => save.mutate(base.revision),
    saveThen: (go, stay) => save.mutate(base.revision, { onSuccess: go, onError: stay }),
    overwrite: () => conflict && save.mutate(conflict.revision),
    saveCopy: (name) => copy.mutate(name),
    dismiss: () => {
      setConflict(undefined);
      save.reset();
    },
  };
}
