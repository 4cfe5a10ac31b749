/** Two pictures of one size, channel by channel. */

export interface Difference {
  /** Red, green, blue and opacity of each pixel, as a canvas takes them. */
  pixels: Uint8ClampedArray<ArrayBuffer>;
  /** Over the colour channels, 0 to 255. */
  mean: number;
  max: number;
  /** Share of the pixels that differ at all. */
  changed: number;
}

const CHANNELS = 4;
const OPAQUE = 255;

/** The absolute differences times `gain`, so that small ones are seen. Opacity is left aside. */
export function difference(one: Uint8ClampedArray, other: Uint8ClampedArray, gain: number): Difference {
  const pixels = new Uint8ClampedArray(one.length);
  let sum = 0;
  let max = 0;
  let changed = 0;
  for (let at = 0; at < one.length; at += CHANNELS) {
    let most = 0;
    for (let channel = 0; channel < CHANNELS - 1; channel += 1) {
      const gap = Math.abs((one[at + channel] ?? 0) - (other[at + channel] ?? 0));
      pixels[at + channel] = gap * gain;
      sum += gap;
      most = Math.max(most, gap);
    }
    pixels[at + CHANNELS - 1] = OPAQUE;
    if (most > 0) changed += 1;
    max = Math.max(max, most);
  }
  const count = one.length / CHANNELS;
  return {
    pixels,
    mean: count > 0 ? sum / (count * (CHANNELS - 1)) : 0,
    max,
    changed: count > 0 ? changed / count : 0,
  };
}
