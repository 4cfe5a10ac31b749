/** Items of one name and step. Bytes are only drawn as pictures and sound, or shown as text: nothing is executed. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { artifactText, artifactUrl } from "~/api/client";
import { ErrorNotice, Loading } from "~/components/parts";
import { formatBytes, formatCount } from "~/model/format";
import type { Gallery, MediaItem } from "~/model/media";
import { pictorial, previewText } from "~/model/preview";
import { MediaTable } from "./MediaTable";
import { Download, Picture, UNSHOWN } from "./Picture";
import { Sound } from "./Sound";

export { Download, Picture } from "./Picture";

/** Bytes fetched of a text. */
const TEXT_BYTES = 64 * 1024;
/** Items of one step drawn at once. */
const ITEMS_MAX = 48;

export function MediaItems(props: { run: string; gallery: Gallery; items: readonly MediaItem[] }) {
  const { run, gallery, items } = props;
  const shown = items.slice(0, ITEMS_MAX);
  return (
    <>
      <div className="media-items">
        {shown.map((item, i) => (
          <figure key={item.path ?? `${item.step}-${i}`}>
            <Item run={run} gallery={gallery} item={item} />
            {item.caption && <figcaption className="small muted">{item.caption}</figcaption>}
          </figure>
        ))}
      </div>
      {items.length > shown.length && (
        <p className="muted small">
          the first {ITEMS_MAX} of {formatCount(items.length)}
        </p>
      )}
    </>
  );
}

function Item({ run, gallery, item }: { run: string; gallery: Gallery; item: MediaItem }) {
  const { kind, path, text } = item;
  if (text !== undefined) return <p className="prose">{text}</p>;
  if (path === undefined) return null;
  if (pictorial(path))
    return <Picture key={path} run={run} path={path} name={item.caption ?? gallery.name} />;
  switch (kind) {
    case "audio":
      return <Sound key={path} run={run} path={path} name={gallery.name} />;
    case "video":
      return <Film key={path} run={run} path={path} name={gallery.name} />;
    case "table":
      return <MediaTable run={run} path={path} name={gallery.name} />;
    case "text":
      return <LongText run={run} path={path} />;
    default:
      return <Download run={run} path={path} />;
  }
}

function Film({ run, path, name }: { run: string; path: string; name: string }) {
  const [failed, setFailed] = useState(false);
  if (failed) return <Download run={run} path={path} why={UNSHOWN} />;
  return (
    // biome-ignore lint/a11y/useMediaCaption: what a training made has no captions
    <video
      controls
      preload="metadata"
      aria-label={name}
      src={artifactUrl(run, path)}
      onError={() => setFailed(true)}
    />
  );
}

function LongText({ run, path }: { run: string; path: string }) {
  const query = useQuery({
    queryKey: ["artifact-text", run, path, TEXT_BYTES],
    queryFn: ({ signal }) => artifactText(run, path, TEXT_BYTES, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (query.isPending) return <Loading />;
  if (query.isError) return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  const { text, cut } = query.data;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <pre className="code-block wrapped" tabIndex={0}>
      {previewText(path, text, cut)}
      {cut && `\n… only the first ${formatBytes(TEXT_BYTES)} are shown`}
    </pre>
  );
}
