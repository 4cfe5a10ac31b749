/** A sequence of colours for a number: from stops of the tokens, in few levels so that drawing can be batched. */

export const RAMP_LEVELS = 24;
/** Tokens `--ramp-0` and so on. */
export const RAMP_STOPS = 5;

/** Red, green and blue of `#rrggbb`. */
function channels(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.replace("#", ""), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** `RAMP_LEVELS` colours evenly along the stops. */
export function rampColors(stops: readonly string[]): string[] {
  const parts = stops.map(channels);
  return Array.from({ length: RAMP_LEVELS }, (_, level) => {
    const along = (level / (RAMP_LEVELS - 1)) * (parts.length - 1);
    const index = Math.min(parts.length - 2, Math.floor(along));
    const share = along - index;
    const from = parts[index] ?? [0, 0, 0];
    const to = parts[index + 1] ?? from;
    const mixed = from.map((channel, i) => Math.round(channel + ((to[i] ?? 0) - channel) * share));
    return `rgb(${mixed.join(" ")})`;
  });
}

/** The colour of a place between 0 and 1 as CSS, made of the tokens: it follows light and dark by itself. */
export function rampCss(at: number): string {
  const along = Math.min(1, Math.max(0, at)) * (RAMP_STOPS - 1);
  const index = Math.min(RAMP_STOPS - 2, Math.floor(along));
  const share = Math.round((along - index) * 100);
  return `color-mix(in srgb, var(--ramp-${index + 1}) ${share}%, var(--ramp-${index}))`;
}

/** The level of a place between 0 and 1. */
export function rampLevel(at: number): number {
  return Math.min(RAMP_LEVELS - 1, Math.max(0, Math.floor(at * RAMP_LEVELS)));
}
