/**
 * The look of a run: a colour and a dash pattern that follow from its id alone, so it is the same on every
 * page, in every selection and on every machine. Two runs may share a colour; that they also share the
 * pattern is rare, and the name beside the line tells them apart.
 */

/** Colours in the palette (`--series-0` ... in tokens.css). */
export const PALETTE_SIZE = 10;

/** Line patterns, on and off in pixels; the first is a whole line. */
export const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

/** Looks there are: every colour with every pattern. */
export const LOOKS = PALETTE_SIZE * DASHES.length;

/** FNV-1a, 32 bits: the same for the same text on every machine. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The look of a run: below the palette's size a whole line, above it the same colours with a pattern. */
export function colorIndex(id: string): number {
  return hashText(id) % LOOKS;
}

/** The look of each run. It depends on no other run. */
export function assignColors(ids: readonly string[]): Map<string, number> {
  return new Map(ids.map((id) => [id, colorIndex(id)]));
}

/** The colour of a group of runs that is drawn alone. */
export function groupColor(query: string): number {
  return hashText(query) % PALETTE_SIZE;
}

/**
 * Colours of groups drawn side by side: each its own, or the next free one where another has that already.
 * They depend on which are drawn, not on their order. Beyond the palette's size colours repeat, with
 * another pattern.
 */
export function distinctColors(names: readonly string[]): Map<string, number> {
  const colors = new Map<string, number>();
  const taken = new Set<number>();
  for (const name of [...new Set(names)].sort().slice(0, LOOKS)) {
    const round = Math.floor(colors.size / PALETTE_SIZE) * PALETTE_SIZE;
    let color = round + groupColor(name);
    while (taken.has(color)) color = round + ((color + 1) % PALETTE_SIZE);
    taken.add(color);
    colors.set(name, color);
  }
  return colors;
}

/** The CSS colour of a look, or of a place in a list. */
export function seriesColor(index: number): string {
  return `var(--series-${index % PALETTE_SIZE})`;
}

/** The dash pattern of a look, in pixels; empty for a whole line. */
export function seriesDash(index: number): readonly number[] {
  return DASHES[Math.floor(index / PALETTE_SIZE) % DASHES.length] ?? [];
}
