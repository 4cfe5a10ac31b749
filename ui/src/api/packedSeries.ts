/** Series in the form that charts draw them from. */

import { PACKED_SERIES, readPacked } from "~/model/packed";
import type { RawSeries } from "~/model/series";
import { send } from "./http";
import type { SeriesQuery } from "./types";

export async function packedSeries(body: SeriesQuery, signal?: AbortSignal): Promise<RawSeries[]> {
  const response = await send("/series/query", {
    method: "POST",
    signal: signal ?? null,
    headers: { "content-type": "application/json", accept: PACKED_SERIES },
    body: JSON.stringify(body),
  });
  return readPacked(await response.arrayBuffer());
}
