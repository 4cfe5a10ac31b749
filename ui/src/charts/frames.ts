/** One animation frame for all charts: what is asked for twice before it comes is done once. */

const waiting = new Map<object, () => void>();
let asked = false;

function run(): void {
  asked = false;
  const tasks = [...waiting.values()];
  waiting.clear();
  for (const task of tasks) task();
}

/** Does `task` in the next frame; a later task of the same owner takes its place. */
export function inFrame(owner: object, task: () => void): void {
  waiting.set(owner, task);
  if (asked) return;
  asked = true;
  requestAnimationFrame(run);
}

/** Drops what an owner asked for. */
export function dropFrame(owner: object): void {
  waiting.delete(owner);
}
