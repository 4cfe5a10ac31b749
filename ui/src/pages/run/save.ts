/** Puts bytes that were made here into a file of the reader. */

import { client } from "~/api/client";
import type { LogPlace } from "~/api/runPage";

/** Bytes of one request. */
const PIECE_BYTES = 4 * 1024 * 1024;

export function saveFile(name: string, parts: BlobPart[], type = "text/plain"): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** All that the hub keeps of a stream, piece by piece; `told` hears how much has come. */
export async function saveLog(
  place: LogPlace,
  name: string,
  signal: AbortSignal,
  told: (share: number) => void,
): Promise<void> {
  const { run, attempt, stream } = place;
  const parts: BlobPart[] = [];
  let offset = 0;
  while (true) {
    const piece = await client.logPiece(run, stream, { attempt, offset, limit: PIECE_BYTES }, signal);
    const next = piece.next ?? offset + piece.bytes.length;
    if (next <= offset) break;
    parts.push(new Blob([piece.bytes as Uint8Array<ArrayBuffer>]));
    offset = next;
    told(piece.size > 0 ? Math.min(1, offset / piece.size) : 1);
    if (offset >= piece.size) break;
  }
  saveFile(name, parts);
}
