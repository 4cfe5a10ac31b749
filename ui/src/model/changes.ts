/** Which cached answers an event makes stale. Gathers events so that a burst costs one refetch. */

/** What a `run` event says. */
export interface RunEvent {
  run: string;
  project: string;
  state: string;
  changed: string[];
}

/** Changes gathered since the last flush, by run. */
export type Pending = Map<string, Set<string>>;

/** More changed runs than this in one flush refetch the list instead of each row. */
export const ROWS_REFRESHED_MAX = 8;

/** Reads the data of a `run` event; undefined when it is not one. */
export function readRunEvent(data: string): RunEvent | undefined {
  try {
    const body = JSON.parse(data) as Partial<RunEvent> | null;
    if (!body || typeof body.run !== "string") return undefined;
    return {
      run: body.run,
      project: body.project ?? "",
      state: body.state ?? "",
      changed: Array.isArray(body.changed) ? body.changed.filter((c) => typeof c === "string") : [],
    };
  } catch {
    return undefined;
  }
}

export function gather(pending: Pending, event: RunEvent): void {
  const known = pending.get(event.run) ?? new Set<string>();
  for (const change of event.changed.length > 0 ? event.changed : ["state"]) known.add(change);
  pending.set(event.run, known);
}

/** Whether a row of the runs table shows anything that changed. */
export function touchesRow(changed: ReadonlySet<string>): boolean {
  return ["state", "metrics", "tags", "evaluation", "params"].some((kind) => changed.has(kind));
}
