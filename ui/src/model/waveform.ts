/** The outline of a sound: least and greatest sample of each part. */

export interface Peaks {
  low: number[];
  high: number[];
}

/** Every sample is looked at, so that a click of one sample shows. */
export function peaks(samples: Float32Array, parts: number): Peaks {
  const low: number[] = [];
  const high: number[] = [];
  for (let part = 0; part < parts; part += 1) {
    const from = Math.floor((part * samples.length) / parts);
    const to = Math.max(from + 1, Math.floor(((part + 1) * samples.length) / parts));
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let at = from; at < to && at < samples.length; at += 1) {
      const sample = samples[at] ?? 0;
      if (sample < least) least = sample;
      if (sample > most) most = sample;
    }
    low.push(Number.isFinite(least) ? least : 0);
    high.push(Number.isFinite(most) ? most : 0);
  }
  return { low, high };
}
