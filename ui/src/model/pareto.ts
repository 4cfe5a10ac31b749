/** Points that no other point beats in both directions at once. */

export type Wish = "maximize" | "minimize";

export interface Place {
  id: string;
  x: number;
  y: number;
}

/**
 * The front, from its best x on. A point is beaten when another is at least as good in both
 * and better in one; of equal points all stay.
 */
export function paretoFront(points: readonly Place[], xWish: Wish, yWish: Wish): Place[] {
  const xSign = xWish === "maximize" ? -1 : 1;
  const ySign = yWish === "maximize" ? -1 : 1;
  const sorted = [...points].sort((a, b) => xSign * (a.x - b.x) || ySign * (a.y - b.y));
  const front: Place[] = [];
  let best = Number.POSITIVE_INFINITY;
  let bestX = Number.NaN;
  for (const point of sorted) {
    const y = ySign * point.y;
    if (y < best) {
      best = y;
      bestX = point.x;
      front.push(point);
    } else if (y === best && point.x === bestX) {
      front.push(point);
    }
  }
  return front;
}
