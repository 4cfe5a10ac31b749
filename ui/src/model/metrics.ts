/** Names, sections and directions of metrics. */

export const SYSTEM_PREFIX = "system/";

export type Direction = "maximize" | "minimize" | "none";

/** Reads a direction; anything unknown is none. */
export function readDirection(text: string | null | undefined): Direction {
  return text === "maximize" || text === "minimize" ? text : "none";
}

/** An arrow that says which way is better. */
export function directionMark(direction: string | null | undefined): string {
  const read = readDirection(direction);
  return read === "maximize" ? "↑" : read === "minimize" ? "↓" : "";
}

/** What the arrow means. */
export function directionText(direction: string | null | undefined): string {
  const read = readDirection(direction);
  return read === "maximize" ? "higher is better" : read === "minimize" ? "lower is better" : "descriptive";
}

/** The section of a metric: what the adapter says, else the part before the first slash. */
export function sectionOf(metric: { name: string; group?: string | null }): string {
  if (metric.group) return metric.group;
  const slash = metric.name.indexOf("/");
  return slash > 0 ? metric.name.slice(0, slash) : "metrics";
}

/** Metrics by section, both sorted; "metrics" first. */
export function sections<M extends { name: string; group?: string | null }>(
  metrics: readonly M[],
): [string, M[]][] {
  const result = new Map<string, M[]>();
  for (const metric of [...metrics].sort((a, b) => a.name.localeCompare(b.name))) {
    const section = sectionOf(metric);
    const list = result.get(section);
    if (list) list.push(metric);
    else result.set(section, [metric]);
  }
  return [...result].sort(
    ([a], [b]) => Number(b === "metrics") - Number(a === "metrics") || a.localeCompare(b),
  );
}

/** Whether a metric was measured on the machine rather than on the model. */
export function isSystem(name: string): boolean {
  return name.startsWith(SYSTEM_PREFIX);
}

const HEADLINE = ["accuracy", "balanced_accuracy", "f1_macro", "auroc", "log_loss", "rmse", "mae", "r2"];

/** Evaluated metrics first, the well-known ones before the rest. */
export function headlineRank(name: string, evaluated: ReadonlySet<string>): number {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const known = HEADLINE.indexOf(base);
  return (evaluated.has(name) ? 0 : 100) + (known < 0 ? 50 : known);
}
