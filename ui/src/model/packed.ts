/** Series as the hub packs them: a head in JSON, then the points as numbers that need no parsing. */

import type { RawSeries } from "./series";

/** The media type; the hub's reference says how it is laid out. */
export const PACKED_SERIES = "application/vnd.mlhub.series+v1";

const LENGTH_BYTES = 4;
const NUMBER_BYTES = 8;

type Head = Omit<RawSeries, "steps" | "times_ms" | "values"> & { count: number };

/** Machines hold numbers in either order; the hub sends the one that nearly all have. */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function numbers(body: ArrayBuffer, at: number, count: number): Float64Array {
  if (LITTLE_ENDIAN) return new Float64Array(body, at, count);
  const view = new DataView(body, at, count * NUMBER_BYTES);
  return Float64Array.from({ length: count }, (_, i) => view.getFloat64(i * NUMBER_BYTES, true));
}

/** The series of an answer; throws where it is cut off. */
export function readPacked(body: ArrayBuffer): RawSeries[] {
  const length = new DataView(body).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(body, LENGTH_BYTES, length));
  const { series } = JSON.parse(text) as { series: Head[] };
  let at = LENGTH_BYTES + length;
  const column = (count: number) => {
    const found = numbers(body, at, count);
    at += count * NUMBER_BYTES;
    return found;
  };
  return series.map(({ count, ...head }) => ({
    ...head,
    steps: column(count),
    times_ms: column(count),
    values: column(count),
  }));
}
