/** The small curve in a cell: points to the path of a line that breaks where a value is no number. */

export const SPARK_WIDTH = 64;
export const SPARK_HEIGHT = 18;
/** Points asked for per curve; the hub keeps smallest and largest of each part. */
export const SPARK_POINTS = 60;
const EDGE = 2;

export interface Spark {
  path: string;
  /** Where the curve ends. */
  end: { x: number; y: number } | undefined;
  /** Points that are no finite numbers and have no place on the curve. */
  missing: number;
}

/** Steps run from left to right over the whole width; the range of values fills the height. */
export function sparkline(steps: readonly number[], values: readonly (number | undefined)[]): Spark {
  const finite = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  const missing = values.length - finite.length;
  if (finite.length === 0) return { path: "", end: undefined, missing };
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const [from, to] = [steps[0] ?? 0, steps[steps.length - 1] ?? 0];
  const x = (step: number) =>
    to > from ? EDGE + ((step - from) / (to - from)) * (SPARK_WIDTH - 2 * EDGE) : SPARK_WIDTH / 2;
  const y = (value: number) =>
    high > low ? EDGE + ((high - value) / (high - low)) * (SPARK_HEIGHT - 2 * EDGE) : SPARK_HEIGHT / 2;
  let path = "";
  let broken = true;
  let end: Spark["end"];
  for (const [i, value] of values.entries()) {
    if (value === undefined || !Number.isFinite(value)) {
      broken = true;
      continue;
    }
    end = { x: round(x(steps[i] ?? 0)), y: round(y(value)) };
    path += `${broken ? "M" : "L"}${end.x} ${end.y}`;
    broken = false;
  }
  return { path, end, missing };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** What the curve shows, in words. */
export function sparkText(
  values: readonly (number | undefined)[],
  format: (value: number) => string,
): string {
  const finite = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  const [first, last] = [finite[0], finite[finite.length - 1]];
  if (first === undefined || last === undefined) return "no finite values";
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  return `from ${format(first)} to ${format(last)}, between ${format(low)} and ${format(high)}`;
}
