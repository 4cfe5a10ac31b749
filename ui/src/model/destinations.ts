/** The pages the navigation, the shortcuts and the command palette lead to: one list for all three. */

import type { IconName } from "~/components/Icon";

export interface Destination {
  to: string;
  label: string;
  icon: IconName;
  /** The key after `g`. */
  key: string;
  /** Only in the palette and the shortcuts, not in the navigation. */
  hidden?: boolean;
  /** Words it is found by besides its name. */
  words?: string;
}

export const DESTINATIONS: readonly Destination[] = [
  { to: "/home", label: "Home", icon: "home", key: "h", words: "overview start" },
  { to: "/", label: "Runs", icon: "runs", key: "r", words: "table all experiments" },
  { to: "/projects", label: "Projects", icon: "project", key: "p" },
  { to: "/reports", label: "Reports", icon: "report", key: "o", words: "documents markdown" },
  {
    to: "/leaderboard",
    label: "Leaderboard",
    icon: "podium",
    key: "l",
    words: "ranking best results board verified",
  },
  {
    to: "/models",
    label: "Models",
    icon: "model",
    key: "v",
    words: "registry versions aliases champion promote",
  },
  { to: "/datasets", label: "Datasets", icon: "data", key: "d", words: "data versions splits" },
  { to: "/adapters", label: "Adapters", icon: "adapter", key: "a", words: "models frameworks" },
  { to: "/metrics", label: "Metrics", icon: "metric", key: "m", words: "definitions formulas" },
  { to: "/new", label: "New experiment", icon: "plus", key: "n", words: "start train launch" },
  { to: "/deleted", label: "Deleted", icon: "trash", key: "x", words: "trash restore purge retention" },
  { to: "/settings", label: "Settings", icon: "settings", key: "s", words: "theme density notifications" },
  { to: "/help", label: "Help", icon: "help", key: "e", words: "query language shortcuts" },
  {
    to: "/design",
    label: "Design system",
    icon: "columns",
    key: "y",
    hidden: true,
    words: "tokens parts colours",
  },
];

/** Those whose page is part of this build. */
export function reachable(paths: Record<string, unknown>): Destination[] {
  return DESTINATIONS.filter((one) => one.to in paths);
}
