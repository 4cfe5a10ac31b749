/** The commands that repeat a run from what was recorded of it. Shown only, never run. */

import { shellWord } from "./artifactTree";
import { asObject, asText } from "./json";

interface Recorded {
  name: string;
  seed?: number | null;
  snapshot: { code?: unknown; config?: unknown };
}

/** Undefined where no config was recorded: then there is nothing that `mlhub run` could take. */
export function reproduceCommands(run: Recorded): string | undefined {
  if (Object.keys(asObject(run.snapshot.config)).length === 0) return undefined;
  const code = asObject(run.snapshot.code);
  const commit = asText(code.commit);
  const lines: string[] = [];
  if (commit) lines.push(`git checkout ${shellWord(commit)}`);
  if (asText(code.patch)) lines.push(`git apply ${shellWord(`${run.name}.patch`)}`);
  const seed = run.seed === null || run.seed === undefined ? "" : ` --set 'seeds=[${run.seed}]'`;
  lines.push(`mlhub run ${shellWord(`${run.name}.yaml`)}${seed}`);
  return lines.join("\n");
}
