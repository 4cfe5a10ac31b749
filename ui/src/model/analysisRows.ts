/** Runs as the API sends them, turned into the rows and columns of the analysis charts. */

import type { AnalysisColumn, AnalysisRow, AnalysisValue } from "./analysis";
import { colorIndex } from "./colors";
import { discoverColumns } from "./columns";
import { evaluatedOperand, metricOperand, paramOperand, tagOperand } from "./language";
import { type ApiNumber, toFinite } from "./number";

export interface AnalysisRun {
  id: string;
  name: string;
  group?: string | null;
  seed?: number | null;
  adapter?: string | null;
  experiment: string;
  dataset?: string | null;
  state: string;
  started_at?: number | null;
  ended_at?: number | null;
  metrics: Record<string, ApiNumber>;
  intervals: Record<string, { low: ApiNumber; high: ApiNumber }>;
  params: Record<string, string>;
  tags: Record<string, string>;
}

/** Fields that say something in a chart. */
const FIELDS = new Set(["adapter", "experiment", "dataset", "seed", "state", "duration"]);

function fieldsOf(run: AnalysisRun): Record<string, AnalysisValue> {
  const { started_at: started, ended_at: ended } = run;
  return {
    adapter: run.adapter ?? null,
    experiment: run.experiment,
    dataset: run.dataset ?? null,
    seed: run.seed ?? null,
    state: run.state,
    duration: typeof started === "number" && typeof ended === "number" ? ended - started : null,
  };
}

/** Rows and columns; colours by run id where they were handed out, else each run's own. */
export function analysisData(
  runs: readonly AnalysisRun[],
  colors?: ReadonlyMap<string, number>,
): { rows: AnalysisRow[]; columns: AnalysisColumn[] } {
  const evaluated = new Set(runs.flatMap((run) => Object.keys(run.intervals)));
  const rows = runs.map((run): AnalysisRow => {
    const values = fieldsOf(run);
    const intervals: Record<string, { low: number; high: number }> = {};
    for (const [name, value] of Object.entries(run.metrics)) {
      const interval = run.intervals[name];
      const operand = evaluated.has(name) ? evaluatedOperand(name) : metricOperand(name);
      values[operand] = value;
      const [low, high] = [toFinite(interval?.low), toFinite(interval?.high)];
      if (low !== undefined && high !== undefined) intervals[operand] = { low, high };
    }
    for (const [name, value] of Object.entries(run.params)) values[paramOperand(name)] = value;
    for (const [name, value] of Object.entries(run.tags)) values[tagOperand(name)] = value;
    const color = colors?.get(run.id) ?? colorIndex(run.id);
    return { id: run.id, name: run.name, color, values, intervals, group: run.group ?? undefined };
  });
  const columns = discoverColumns(runs)
    .filter((column) => column.kind !== "field" || FIELDS.has(column.id))
    .map(({ id, label, numeric, kind }) => ({
      id,
      // Milliseconds, which the axis says.
      label: kind === "field" && id === "duration" ? "Duration (ms)" : label,
      numeric,
    }));
  return { rows, columns };
}
