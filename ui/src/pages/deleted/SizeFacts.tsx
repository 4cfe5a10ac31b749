/** What a deletion frees, part by part. */

import { Facts } from "~/components/parts";
import { type Size, sizeBytes, sizeParts } from "~/model/deletions";
import { formatBytes } from "~/model/format";

export function SizeFacts({ size }: { size: Size }) {
  const parts = sizeParts(size);
  if (parts.length === 0) return <p className="muted">Nothing is stored of them.</p>;
  return (
    <Facts
      items={[
        ...parts.map((part) => [part.what, `${part.bytes} in ${part.count}`] as const),
        ["together", <b key="sum">{formatBytes(sizeBytes(size))}</b>],
      ]}
    />
  );
}
