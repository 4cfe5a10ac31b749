/** Items of one name and step. Bytes are only drawn as pictures and sound, or shown as text: nothing is executed. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { artifactText, artifactUrl } from "~/api/client";
import { ChartFrame } from "~/charts/frame";
import { Icon } from "~/components/Icon";
import { ErrorNotice, Loading } from "~/components/parts";
import { formatBytes, formatCount, formatNumber, plural } from "~/model/format";
import { bars, edgeRange, type Gallery, type MediaItem } from "~/model/media";
import { pictorial, previewText } from "~/model/preview";
import { MediaTable } from "./MediaTable";

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
  if (kind === "histogram") return <Histogram gallery={gallery} item={item} />;
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

export function Download({ run, path, why }: { run: string; path: string; why?: string }) {
  return (
    <p className="row wrap">
      {why && <span className="muted">{why}</span>}
      <a className="button" href={artifactUrl(run, path)} download>
        <Icon name="download" /> {path.slice(path.lastIndexOf("/") + 1)}
      </a>
    </p>
  );
}

const UNSHOWN = "This browser cannot show it.";

/** A raster image; pressed it is shown in its own size. */
export function Picture({ run, path, name }: { run: string; path: string; name: string }) {
  const [failed, setFailed] = useState(false);
  const [large, setLarge] = useState(false);
  if (failed) return <Download run={run} path={path} why={UNSHOWN} />;
  return (
    <button
      type="button"
      className={`picture ${large ? "large" : ""}`}
      aria-pressed={large}
      title={large ? "Press to fit" : "Press for its own size"}
      onClick={() => setLarge((before) => !before)}
    >
      <img src={artifactUrl(run, path)} alt={name} loading="lazy" onError={() => setFailed(true)} />
    </button>
  );
}

function Sound({ run, path, name }: { run: string; path: string; name: string }) {
  const [failed, setFailed] = useState(false);
  if (failed) return <Download run={run} path={path} why={UNSHOWN} />;
  return (
    // biome-ignore lint/a11y/useMediaCaption: what a training made has no captions
    <audio
      controls
      preload="metadata"
      aria-label={name}
      src={artifactUrl(run, path)}
      onError={() => setFailed(true)}
    />
  );
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

/** Counts between edges; all steps share one axis, so that a drift is seen. */
function Histogram({ gallery, item }: { gallery: Gallery; item: MediaItem }) {
  const list = bars(item);
  const domain = edgeRange(gallery);
  if (!domain || list.length === 0) {
    return (
      <p className="muted">
        No finite values{item.nonFinite > 0 && `, ${formatCount(item.nonFinite)} others`}.
      </p>
    );
  }
  const most = list.reduce((max, bar) => Math.max(max, bar.count), 0);
  const total = item.counts.reduce((sum, count) => sum + count, 0);
  return (
    <>
      <ChartFrame
        label={`Histogram ${gallery.name}, step ${item.step}`}
        x={domain}
        y={[0, most * 1.05]}
        xLabel={gallery.name}
        yLabel="count"
      >
        {(scales) =>
          list.map(({ from, to, count }) => (
            <rect
              key={from}
              className="bar"
              x={scales.x(from)}
              width={Math.max(0.5, scales.x(to) - scales.x(from) - 0.5)}
              y={scales.y(count)}
              height={scales.y(0) - scales.y(count)}
            >
              <title>{`${formatCount(count)} from ${formatNumber(from)} to ${formatNumber(to)}`}</title>
            </rect>
          ))
        }
      </ChartFrame>
      <p className="muted small">
        {plural(total, "value")}
        {item.nonFinite > 0 && <span className="badge warn">{formatCount(item.nonFinite)} not finite</span>}
      </p>
    </>
  );
}
