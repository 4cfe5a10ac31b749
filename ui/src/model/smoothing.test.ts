import { describe, expect, it } from "vitest";
import { smooth } from "./smoothing";

const line = (values: number[]) => Float64Array.from(values);

describe("smooth", () => {
  it("is TensorBoard's debiased average on even steps", () => {
    const values = [4, 0, 2, 8];
    const weight = 0.6;
    let average = 0;
    const expected = values.map((value, i) => {
      average = average * weight + (1 - weight) * value;
      return average / (1 - weight ** (i + 1));
    });
    const result = smooth(line([0, 10, 20, 30]), line(values), weight, 0);
    expected.forEach((value, i) => {
      expect(result[i]).toBeCloseTo(value, 12);
    });
  });
  it("weighs by distance: the far past counts less", () => {
    const near = smooth(line([0, 1, 2]), line([1, 1, 0]), 0.9, 1)[2] as number;
    const far = smooth(line([0, 1, 50]), line([1, 1, 0]), 0.9, 1)[2] as number;
    expect(far).toBeLessThan(near);
  });
  it("smooths the same whether a stretch has many points or few", () => {
    const dense = Array.from({ length: 10_001 }, (_, i) => i);
    const sparse = Array.from({ length: 1001 }, (_, i) => i * 10);
    const wave = (x: number[]) => line(x.map((at) => Math.sin(at / 500)));
    const a = smooth(line(dense), wave(dense), 0.9, 100);
    const b = smooth(line(sparse), wave(sparse), 0.9, 100);
    expect(a[10_000]).toBeCloseTo(b[1000] as number, 1);
  });
  it("leaves gaps, and nothing of them in the average", () => {
    const result = smooth(line([0, 1, 2]), line([1, Number.NaN, 1]), 0.5, 0);
    expect([...result]).toEqual([1, Number.NaN, 1]);
  });
  it("gives one point and no weight back", () => {
    expect([...smooth(line([3]), line([7]), 0.9, 0)]).toEqual([7]);
    expect([...smooth(line([0, 1]), line([7, 8]), 0, 0)]).toEqual([7, 8]);
  });
});
