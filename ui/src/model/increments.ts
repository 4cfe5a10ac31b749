/** Series that grow: only what came after the last step held is asked for and appended. */

import type { RawSeries } from "./series";

/** A series may outgrow its budget by this factor before it is asked for anew, reduced. */
const GROWTH_MAX = 1.5;

/** Where to go on from: the last step held; undefined where nothing is. */
export function lastStep(series: RawSeries): number | undefined {
  let last: number | undefined;
  for (const step of series.steps) if (last === undefined || step > last) last = step;
  return last;
}

/**
 * The first step to ask for so that no changed series misses a point; undefined: all of them.
 * The last step itself is asked for again, since it may have been logged anew.
 */
export function resumeStep(
  held: readonly RawSeries[],
  changed: ReadonlySet<string>,
  metrics: readonly string[],
): number | undefined {
  let from: number | undefined;
  for (const run of changed) {
    for (const metric of metrics) {
      const one = held.find((series) => series.run === run && series.metric === metric);
      const last = one && lastStep(one);
      if (last === undefined) return undefined;
      if (from === undefined || last < from) from = last;
    }
  }
  return from;
}

function placesOf(steps: Float64Array, wanted: (step: number) => boolean): number[] {
  const found: number[] = [];
  steps.forEach((step, i) => {
    if (wanted(step)) found.push(i);
  });
  return found;
}

/** One series with the points of `more` from its last step on. */
export function grown(held: RawSeries, more: RawSeries): RawSeries {
  const last = lastStep(held);
  if (last === undefined) return more;
  const fresh = placesOf(more.steps, (step) => step >= last);
  // Where nothing of the last step came, it is not there any more, or was left out by a bound.
  const anew = fresh.some((i) => more.steps[i] === last);
  const kept = placesOf(held.steps, (step) => !anew || step < last);
  const dropped = placesOf(held.steps, (step) => anew && step >= last);
  const pick = (of: (series: RawSeries) => Float64Array): Float64Array => {
    const joined = new Float64Array(kept.length + fresh.length);
    kept.forEach((from, i) => {
      joined[i] = of(held)[from] as number;
    });
    fresh.forEach((from, i) => {
      joined[kept.length + i] = of(more)[from] as number;
    });
    return joined;
  };
  const isBad = (series: RawSeries, i: number) => !Number.isFinite(series.values[i]);
  return {
    ...held,
    steps: pick((series) => series.steps),
    times_ms: pick((series) => series.times_ms),
    values: pick((series) => series.values),
    total: held.total + fresh.length - dropped.length,
    non_finite:
      (held.non_finite ?? 0) +
      fresh.filter((i) => isBad(more, i)).length -
      dropped.filter((i) => isBad(held, i)).length,
  };
}

/** Every series of `runs` in order, grown by what came; undefined when one must be asked for anew. */
export function appended(
  held: readonly RawSeries[],
  more: readonly RawSeries[],
  runs: readonly string[],
  metrics: readonly string[],
  points: number,
): RawSeries[] | undefined {
  if (more.some((series) => !series.exact)) return undefined;
  const key = (series: RawSeries) => JSON.stringify([series.run, series.metric]);
  const known = new Map(held.map((series) => [key(series), series]));
  for (const series of more) {
    const before = known.get(key(series));
    const next = before ? grown(before, series) : series;
    if (next.values.length > points * GROWTH_MAX) return undefined;
    known.set(key(series), next);
  }
  return runs.flatMap((run) => metrics.flatMap((metric) => known.get(JSON.stringify([run, metric])) ?? []));
}
