/** Tasks that take turns: so many at a time, in the order they came. */

export type Turns = <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

export function turns(most: number): Turns {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task, signal) => {
    if (running < most) running += 1;
    // Whoever ends hands its place on.
    else await new Promise<void>((go) => waiting.push(go));
    try {
      signal?.throwIfAborted();
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
