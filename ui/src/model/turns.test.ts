import { describe, expect, it } from "vitest";
import { turns } from "./turns";

/** A task that ends when it is told to. */
function held() {
  let end: (fail?: boolean) => void = () => undefined;
  let begun = false;
  const task = () =>
    new Promise<string>((resolve, reject) => {
      begun = true;
      end = (fail) => (fail ? reject(new Error("failed")) : resolve("done"));
    });
  return { task, end: (fail?: boolean) => end(fail), begun: () => begun };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("turns", () => {
  it("let so many run at a time, in order, whether they end well or not", async () => {
    const turn = turns(2);
    const tasks = [held(), held(), held(), held()];
    const answers = tasks.map(({ task }) => turn(task).catch((error: Error) => error.message));
    const begun = () => tasks.map((one) => one.begun());
    expect(begun()).toEqual([true, true, false, false]);
    tasks[1]?.end(true);
    await settled();
    expect(begun()).toEqual([true, true, true, false]);
    tasks[0]?.end();
    await settled();
    expect(begun()).toEqual([true, true, true, true]);
    tasks[2]?.end();
    tasks[3]?.end();
    expect(await Promise.all(answers)).toEqual(["done", "failed", "done", "done"]);
    const after = held();
    void turn(after.task);
    expect(after.begun()).toBe(true);
  });

  it("pass over what was given up while it waited", async () => {
    const turn = turns(1);
    const [first, second, third] = [held(), held(), held()] as const;
    void turn(first.task);
    const given = new AbortController();
    const refused = turn(second.task, given.signal).catch((error: Error) => error.name);
    void turn(third.task);
    given.abort();
    first.end();
    expect(await refused).toBe("AbortError");
    expect([second.begun(), third.begun()]).toEqual([false, true]);
  });
});
