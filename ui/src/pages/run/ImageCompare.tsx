/** A picture of one step beside that of another: side by side, swiped over, or their difference. */

import { type CSSProperties, useEffect, useRef, useState } from "react";
import { artifactUrl } from "~/api/client";
import { Segments } from "~/components/parts";
import { type Difference, difference } from "~/model/difference";
import { formatCount, formatNumber } from "~/model/format";
import type { Gallery, MediaItem } from "~/model/media";
import { pictorial } from "~/model/preview";
import { Picture } from "./Picture";

export type CompareMode = "side" | "swipe" | "difference";

/** A greater picture is not compared pixel by pixel: its copies would fill the memory. */
const PIXELS_MAX = 16_000_000;
const GAINS = ["1", "4", "16"] as const;

interface Shown {
  path: string;
  step: number;
}

interface Pair {
  run: string;
  name: string;
  one: Shown;
  other: Shown;
}

function shownOf(items: readonly MediaItem[] | undefined, index: number, step: number): Shown | undefined {
  const path = items?.[Math.min(index, (items?.length ?? 1) - 1)]?.path;
  return path !== undefined && pictorial(path) ? { path, step } : undefined;
}

/** Whether a gallery has two steps of pictures to compare. */
export function comparable(gallery: Gallery): boolean {
  const isShown = (items: readonly MediaItem[]) =>
    items.some(({ path }) => path !== undefined && pictorial(path));
  return [...gallery.items.values()].filter(isShown).length > 1;
}

export function ImageCompare(props: { run: string; gallery: Gallery; step: number; mode: CompareMode }) {
  const { run, gallery, step, mode } = props;
  const [reference, setReference] = useState(gallery.steps[0] ?? 0);
  const [index, setIndex] = useState(0);
  const items = gallery.items.get(step);
  const one = shownOf(gallery.items.get(reference), index, reference);
  const other = shownOf(items, index, step);
  const count = items?.length ?? 0;
  return (
    <div className="stack tight">
      <div className="row wrap small">
        <label className="analysis-select">
          Compared with step
          <select
            className="select"
            value={reference}
            onChange={(event) => setReference(Number(event.target.value))}
          >
            {gallery.steps.map((one) => (
              <option key={one} value={one}>
                {formatCount(one)}
              </option>
            ))}
          </select>
        </label>
        {count > 1 && (
          <label className="analysis-select">
            Picture
            <select
              className="select"
              value={index}
              onChange={(event) => setIndex(Number(event.target.value))}
            >
              {items?.map((item, i) => (
                <option key={item.path ?? i} value={i}>
                  {item.caption ?? `${i + 1} of ${count}`}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {one && other ? (
        <Comparison mode={mode} pair={{ run, name: gallery.name, one, other }} />
      ) : (
        <p className="muted small">One of the steps has no picture that can be shown.</p>
      )}
    </div>
  );
}

function Comparison({ pair, mode }: { pair: Pair; mode: CompareMode }) {
  const { run, name, one, other } = pair;
  switch (mode) {
    case "side":
      return (
        <div className="side-by-side">
          {[one, other].map(({ path, step }, i) => (
            <figure key={i === 0 ? "one" : "other"}>
              <Picture key={path} run={run} path={path} name={`${name} at step ${step}`} />
              <figcaption className="small muted">step {formatCount(step)}</figcaption>
            </figure>
          ))}
        </div>
      );
    case "swipe":
      return <Swipe pair={pair} />;
    case "difference":
      return <DifferenceView key={`${one.path} ${other.path}`} pair={pair} />;
  }
}

/** Left of the line the reference, right of it the step. The slider lies over the whole picture. */
function Swipe({ pair: { run, name, one, other } }: { pair: Pair }) {
  const [at, setAt] = useState(50);
  const clip: CSSProperties = { clipPath: `inset(0 0 0 ${at}%)` };
  return (
    <div className="stack tight">
      <div className="swipe">
        <img src={artifactUrl(run, one.path)} alt={`${name} at step ${one.step}`} />
        <img
          className="over"
          style={clip}
          src={artifactUrl(run, other.path)}
          alt={`${name} at step ${other.step}`}
        />
        <span className="swipe-line" style={{ left: `${at}%` }} />
        <input
          type="range"
          aria-label={`Swipe between step ${one.step} and step ${other.step}`}
          aria-valuetext={`${at} % of step ${one.step}`}
          value={at}
          min={0}
          max={100}
          onChange={(event) => setAt(Number(event.target.value))}
        />
      </div>
      <p className="row small muted">
        <span className="grow">step {formatCount(one.step)}</span>
        <span>step {formatCount(other.step)}</span>
      </p>
    </div>
  );
}

/** The pixels of a picture of the hub, decoded by the browser. */
async function pixelsOf(run: string, path: string): Promise<ImageData> {
  const image = new Image();
  image.src = artifactUrl(run, path);
  try {
    await image.decode();
  } catch {
    throw new Error("This browser cannot decode one of the pictures.");
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  if (width * height > PIXELS_MAX) {
    throw new Error(`A picture of ${width} × ${height} pixels is too large to be compared here.`);
  }
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser gives no canvas to compare on.");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height);
}

async function pixelsOfBoth({ run, one, other }: Pair): Promise<[ImageData, ImageData]> {
  const [first, second] = await Promise.all([pixelsOf(run, one.path), pixelsOf(run, other.path)]);
  if (first.width !== second.width || first.height !== second.height) {
    throw new Error(
      `The pictures have different sizes: ${first.width} × ${first.height} and ${second.width} × ${second.height}.`,
    );
  }
  return [first, second];
}

function DifferenceView({ pair }: { pair: Pair }) {
  const [gain, setGain] = useState<(typeof GAINS)[number]>("1");
  const [both, setBoth] = useState<[ImageData, ImageData]>();
  const [problem, setProblem] = useState<string>();
  const [found, setFound] = useState<Difference>();
  const canvas = useRef<HTMLCanvasElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another pair is another element
  useEffect(() => {
    let live = true;
    pixelsOfBoth(pair).then(
      (data) => live && setBoth(data),
      (cause: unknown) => live && setProblem(cause instanceof Error ? cause.message : String(cause)),
    );
    return () => {
      live = false;
    };
  }, []);
  useEffect(() => {
    if (!both || !canvas.current) return;
    const [first, second] = both;
    const result = difference(first.data, second.data, Number(gain));
    canvas.current.width = first.width;
    canvas.current.height = first.height;
    canvas.current.getContext("2d")?.putImageData(new ImageData(result.pixels, first.width), 0, 0);
    setFound(result);
  }, [both, gain]);
  if (problem) return <p className="muted">{problem}</p>;
  const { one, other, name } = pair;
  return (
    <div className="stack tight">
      <canvas
        ref={canvas}
        className="difference"
        role="img"
        aria-label={`Difference of ${name} between step ${one.step} and step ${other.step}`}
      />
      <div className="row wrap small muted">
        <span className="grow" role="status">
          {found &&
            (found.max === 0
              ? "The pictures are the same."
              : `${formatNumber(found.changed * 100, 3)} % of the pixels differ; mean ${formatNumber(found.mean, 3)}, greatest ${found.max} of 255`)}
        </span>
        <Segments
          label="Amplified"
          value={gain}
          onChange={setGain}
          options={GAINS.map((one) => [one, `×${one}`])}
        />
      </div>
    </div>
  );
}
