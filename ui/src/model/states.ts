/** Run states: the fixed set, and what each means. */

export const RUN_STATES = ["queued", "running", "finished", "failed", "stopped", "lost"] as const;
export type RunState = (typeof RUN_STATES)[number];

export function isRunState(text: string): text is RunState {
  return (RUN_STATES as readonly string[]).includes(text);
}

/** Whether the run may still change by itself. */
export function isActive(state: string): boolean {
  return state === "queued" || state === "running";
}

/** One sentence per state, for hover. */
export function stateText(state: string): string {
  switch (state) {
    case "queued":
      return "Waiting to start";
    case "running":
      return "Its program is running";
    case "finished":
      return "Ended with exit code 0";
    case "failed":
      return "Ended with an error";
    case "stopped":
      return "Stopped on request";
    case "lost":
      return "Its supervisor went silent; nobody saw how it ended";
    default:
      return state;
  }
}
