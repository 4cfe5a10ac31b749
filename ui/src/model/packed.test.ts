import { describe, expect, it } from "vitest";
import { readPacked } from "./packed";

/** As the hub writes it. */
function packed(series: { run: string; points: [number, number, number][] }[]): ArrayBuffer {
  const heads = series.map(({ run, points }) => ({
    run,
    metric: "loss",
    count: points.length,
    total: 9,
    non_finite: 1,
    exact: false,
    origin_ms: 5,
    attempts: [],
  }));
  let head = JSON.stringify({ series: heads });
  const text = () => new TextEncoder().encode(head);
  while ((text().length + 4) % 8 !== 0) head += " ";
  const columns = series.flatMap(({ points }) =>
    [0, 1, 2].flatMap((at) => points.map((one) => one[at] ?? 0)),
  );
  const bytes = new Uint8Array(4 + text().length + columns.length * 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text().length, true);
  bytes.set(text(), 4);
  for (const [i, value] of columns.entries()) view.setFloat64(4 + text().length + i * 8, value, true);
  return bytes.buffer;
}

describe("packed series", () => {
  it("are read with every bit, whatever their names", () => {
    const body = packed([
      {
        run: "größe",
        points: [
          [1, 1000, Number.NaN],
          [2, 2000, -0],
        ],
      },
      { run: "b", points: [] },
      { run: "c", points: [[2 ** 53, -1, 5e-324]] },
    ]);
    const [first, empty, last] = readPacked(body);
    expect(first).toMatchObject({ run: "größe", metric: "loss", total: 9, exact: false, origin_ms: 5 });
    expect(first?.steps).toEqual(Float64Array.of(1, 2));
    expect(first?.times_ms).toEqual(Float64Array.of(1000, 2000));
    expect(first?.values).toEqual(Float64Array.of(Number.NaN, -0));
    expect(empty?.values).toHaveLength(0);
    expect([last?.steps[0], last?.values[0]]).toEqual([2 ** 53, 5e-324]);
  });

  it("that are cut off are refused", () => {
    const body = packed([{ run: "a", points: [[1, 2, 3]] }]);
    expect(() => readPacked(body.slice(0, body.byteLength - 8))).toThrow();
    expect(() => readPacked(body.slice(0, 3))).toThrow();
  });
});
