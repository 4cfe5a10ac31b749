/** The sheet of keyboard shortcuts, opened with "?": what is registered now, in groups. */

import { Link } from "@tanstack/react-router";
import { Dialog } from "./Dialog";
import { Keys } from "./Keys";
import { useSettings } from "./settings";
import { type Shortcut, useShortcutList } from "./shortcuts";

/** Keys that parts of pages take themselves. */
const LOCAL: readonly Shortcut[] = [
  { keys: "mod+space", label: "Complete the query", group: "In fields" },
  { keys: "escape", label: "Close, or clear the search", group: "In fields" },
];

function groups(shortcuts: readonly Shortcut[]): [string, Shortcut[]][] {
  const found = new Map<string, Map<string, Shortcut>>();
  for (const shortcut of shortcuts) {
    const group = found.get(shortcut.group) ?? new Map<string, Shortcut>();
    found.set(shortcut.group, group.set(shortcut.keys, shortcut));
  }
  const rank = (name: string) => ["This page", "Everywhere", "Go to", "In fields"].indexOf(name);
  return [...found]
    .map(([name, list]): [string, Shortcut[]] => [name, [...list.values()]])
    .sort(([a], [b]) => rank(a) - rank(b));
}

export function ShortcutTables() {
  const list = useShortcutList();
  return (
    <div className="shortcut-groups">
      {groups([...list, ...LOCAL]).map(([name, shortcuts]) => (
        <section key={name} aria-label={name}>
          <h3>{name}</h3>
          <dl className="shortcut-list">
            {shortcuts.map((shortcut) => (
              <div key={shortcut.keys}>
                <dt>{shortcut.label}</dt>
                <dd>
                  <Keys keys={shortcut.keys} />
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

export default function ShortcutSheet({ close }: { close: () => void }) {
  const { shortcuts } = useSettings();
  return (
    <Dialog title="Keyboard shortcuts" wide close={close}>
      {!shortcuts && (
        <p className="notice warn">
          Single keys are switched off in the{" "}
          <Link className="link" to="/settings" onClick={close}>
            settings
          </Link>
          ; those with Ctrl work.
        </p>
      )}
      <ShortcutTables />
      <div className="row end">
        <button type="button" className="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
