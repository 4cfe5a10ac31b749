/** Stable colours: a run keeps its colour on every page, and few runs never share one. */

/** Colours in the palette (`--series-0` ... in tokens.css). */
export const PALETTE_SIZE = 10;

/** FNV-1a, 32 bits: the same for the same text on every machine. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The palette index a run prefers. */
export function colorIndex(id: string): number {
  return hashText(id) % PALETTE_SIZE;
}

/**
 * A colour per run such that no two runs share one while there are free ones. A run keeps its
 * preferred colour when nobody before it (by id, not by position) took it.
 */
export function assignColors(ids: readonly string[]): Map<string, number> {
  const result = new Map<string, number>();
  const taken = new Set<number>();
  for (const id of [...new Set(ids)].sort()) {
    if (taken.size === PALETTE_SIZE) taken.clear();
    let index = colorIndex(id);
    while (taken.has(index)) index = (index + 1) % PALETTE_SIZE;
    taken.add(index);
    result.set(id, index);
  }
  return result;
}

/** The CSS colour of a palette index. */
export function seriesColor(index: number): string {
  return `var(--series-${index % PALETTE_SIZE})`;
}
