/** Finding by a few letters: `rn sft` finds "boosted-trees / run of softmax". Pure and small. */

/** Letters that start a word count most, then letters that follow each other. */
const WORD_START = 8;
const FOLLOWS = 5;
const FOUND = 1;
/** What each letter skipped between two found ones costs, up to a bound. */
const GAP_COST = 0.2;
const GAP_COST_MAX = 3;
/** Room a short text has over a long one with the same letters. */
const LENGTH_COST = 0.02;

function startsWord(text: string, at: number): boolean {
  if (at === 0) return true;
  const before = text[at - 1] ?? "";
  const here = text[at] ?? "";
  return /[\s/_\-.:@,()]/.test(before) || (/[a-z]/.test(before) && /[A-Z]/.test(here));
}

/** The best score of one word's letters, in order, within the text; undefined when some are missing. */
function scoreWord(word: string, text: string, lower: string): number | undefined {
  let best: number | undefined;
  for (
    let start = lower.indexOf(word[0] ?? "");
    start >= 0;
    start = lower.indexOf(word[0] ?? "", start + 1)
  ) {
    let score = 0;
    let last = -1;
    let at = start;
    for (const letter of word) {
      at = last < 0 ? start : lower.indexOf(letter, last + 1);
      if (at < 0) break;
      const gap = last < 0 ? 0 : at - last - 1;
      score += FOUND + (startsWord(text, at) ? WORD_START : 0) + (last >= 0 && gap === 0 ? FOLLOWS : 0);
      score -= Math.min(GAP_COST_MAX, gap * GAP_COST);
      last = at;
    }
    if (at < 0) break;
    if (best === undefined || score > best) best = score;
  }
  return best;
}

/** How well the words of the needle are found in the text; undefined when one is not. */
export function fuzzyScore(needle: string, text: string): number | undefined {
  const words = needle.toLowerCase().split(/\s+/).filter(Boolean);
  const lower = text.toLowerCase();
  let total = -text.length * LENGTH_COST;
  for (const word of words) {
    const score = scoreWord(word, text, lower);
    if (score === undefined) return undefined;
    total += score;
  }
  return total;
}

/** What the needle finds, best first; with an empty needle everything in its own order. */
export function fuzzyFind<T>(needle: string, items: readonly T[], text: (item: T) => string): T[] {
  if (needle.trim() === "") return [...items];
  return items
    .flatMap((item, at) => {
      const score = fuzzyScore(needle, text(item));
      return score === undefined ? [] : [{ item, score, at }];
    })
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .map(({ item }) => item);
}
