/** How fast the reader scrolls: what only flies past need not be made. */

/** Pixels a millisecond from which on nobody reads what passes. */
const FAST = 2.5;
/** Without a scroll event for so long, the page rests. */
const REST_MS = 90;

let fastUntil = Number.NEGATIVE_INFINITY;
let timer: ReturnType<typeof setTimeout> | undefined;
const waiting = new Set<() => void>();
const last = new WeakMap<object, { at: number; top: number }>();

function flush(): void {
  timer = undefined;
  const left = fastUntil - performance.now();
  if (left > 0) {
    timer = setTimeout(flush, left);
    return;
  }
  for (const call of [...waiting]) {
    waiting.delete(call);
    call();
  }
}

function follow(event: Event): void {
  const box = event.target instanceof Element ? event.target : document.scrollingElement;
  if (!box) return;
  const now = { at: performance.now(), top: box.scrollTop };
  const before = last.get(box);
  last.set(box, now);
  if (!before || now.at - before.at > REST_MS) return;
  if (Math.abs(now.top - before.top) > FAST * (now.at - before.at)) fastUntil = now.at + REST_MS;
}

// Scroll events do not bubble; those of every box pass here on their way down.
if (typeof document !== "undefined")
  document.addEventListener("scroll", follow, { capture: true, passive: true });

/** Calls back at once, or, while something is scrolled fast, when that ends. Returns what takes it back. */
export function unlessScrolling(call: () => void): () => void {
  if (performance.now() >= fastUntil) {
    call();
    return () => undefined;
  }
  waiting.add(call);
  if (timer === undefined) timer = setTimeout(flush, REST_MS);
  return () => waiting.delete(call);
}
