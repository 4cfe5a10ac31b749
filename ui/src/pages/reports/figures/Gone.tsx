/** Runs a panel names that are not there any more: told in its place. */

import { plural } from "~/model/format";

export function Gone({ ids }: { ids: readonly string[] }) {
  if (ids.length === 0) return null;
  return (
    <p className="report-gone small">
      {plural(ids.length, "run")} of this panel cannot be found, purged or of another hub:{" "}
      <code>{ids.join(", ")}</code>
    </p>
  );
}
