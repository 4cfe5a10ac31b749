import { describe, expect, it } from "vitest";
import { galleries } from "./media";
import { itemsAt, mediaNames } from "./sideBySide";

const image = (name: string, step: number) => ({
  kind: "media",
  attempt: 1,
  body: { type: "image", name, step, path: `${name}-${step}.png` },
});

describe("media side by side", () => {
  const first = galleries([image("samples", 1), image("samples", 5), image("mask", 2)]);
  const second = galleries([image("samples", 3)]);

  it("offers names by how many runs have them, with the steps of all", () => {
    expect(mediaNames([first, second]).map((one) => [one.name, one.runs, one.steps])).toEqual([
      ["samples", 2, [1, 3, 5]],
      ["mask", 1, [2]],
    ]);
  });

  it("shows the last step up to the chosen one", () => {
    const samples = (list: typeof first) => list.find((one) => one.name === "samples");
    expect(itemsAt(samples(first), 4)?.step).toBe(1);
    expect(itemsAt(samples(second), 3)?.items[0]?.path).toBe("samples-3.png");
    expect(itemsAt(samples(second), 2)).toBeUndefined();
    expect(itemsAt(undefined, 9)).toBeUndefined();
  });
});
