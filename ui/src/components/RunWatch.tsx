/** Offers to watch the run whose page is open, to the command palette. */

import { useWatched, watchRun } from "./notifications";
import { usePageActions } from "./pageActions";
import { showToast } from "./toasts";

export function RunWatch({ run }: { run: string }) {
  const watched = useWatched(run);
  usePageActions([
    {
      id: "watch",
      label: watched ? "Stop watching this run" : "Watch this run",
      keys: "w",
      run: () => {
        watchRun(run, !watched);
        showToast({ text: watched ? "No longer watched" : "Watched: its end will be told", tone: "good" });
      },
    },
  ]);
  return null;
}
