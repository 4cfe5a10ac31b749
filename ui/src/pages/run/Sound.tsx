/** A sound: the browser's player, and its outline where decoding it is cheap. */

import { useQuery } from "@tanstack/react-query";
import { type PointerEvent, useCallback, useMemo, useRef, useState } from "react";
import { artifactBytes, artifactUrl } from "~/api/client";
import { useCanvas } from "~/charts/analysis/useCanvas";
import { css } from "~/charts/plotColor";
import { useOnScreen, useWidth } from "~/components/hooks";
import { formatNumber } from "~/model/format";
import { type Peaks, peaks } from "~/model/waveform";
import { Download, UNSHOWN } from "./Picture";

/** A longer file is only played: decoding would hold all of its samples. */
const DECODED_BYTES_MAX = 4 * 1024 * 1024;
const HEIGHT = 64;
const PARTS = 600;
/** Only for decoding; the browser resamples to it. */
const RATE = 22_050;

interface Outline {
  peaks: Peaks;
  seconds: number;
}

/** The outline of the first channel; null where there is none to draw. */
async function outline(run: string, path: string, signal: AbortSignal): Promise<Outline | null> {
  const bytes = await artifactBytes(run, path, DECODED_BYTES_MAX, signal);
  if (!bytes) return null;
  try {
    const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
    return { peaks: peaks(sound.getChannelData(0), PARTS), seconds: sound.duration };
  } catch {
    // The player says what the browser cannot play.
    return null;
  }
}

export function Sound({ run, path, name }: { run: string; path: string; name: string }) {
  const [failed, setFailed] = useState(false);
  const [seconds, setSeconds] = useState(0);
  const player = useRef<HTMLAudioElement>(null);
  const [host, shown] = useOnScreen<HTMLDivElement>();
  const wave = useQuery({
    queryKey: ["artifact-wave", run, path],
    queryFn: ({ signal }) => outline(run, path, signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: shown,
  });
  if (failed) return <Download run={run} path={path} why={UNSHOWN} />;
  return (
    <div className="stack tight" ref={host}>
      {wave.data && (
        <Wave
          outline={wave.data}
          name={name}
          at={seconds / wave.data.seconds}
          onSeek={(share) => {
            if (player.current && wave.data) player.current.currentTime = share * wave.data.seconds;
          }}
        />
      )}
      {/* biome-ignore lint/a11y/useMediaCaption: what a training made has no captions */}
      <audio
        ref={player}
        controls
        preload="metadata"
        aria-label={name}
        src={artifactUrl(run, path)}
        onTimeUpdate={(event) => setSeconds(event.currentTarget.currentTime)}
        onError={() => setFailed(true)}
      />
    </div>
  );
}

function drawWave(context: CanvasRenderingContext2D, { low, high }: Peaks, at: number, width: number) {
  const step = width / low.length;
  const y = (value: number) => HEIGHT / 2 - value * (HEIGHT / 2 - 2);
  const [played, rest] = [css("--accent"), css("--line-strong")];
  low.forEach((least, i) => {
    context.fillStyle = i / low.length < at ? played : rest;
    const top = y(high[i] ?? 0);
    context.fillRect(i * step, top, Math.max(0.6, step - 0.2), Math.max(1, y(least) - top));
  });
}

function Wave(props: { outline: Outline; name: string; at: number; onSeek: (share: number) => void }) {
  const { outline: found, name, at, onSeek } = props;
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const size = useMemo(() => ({ width, height: HEIGHT }), [width]);
  const canvas = useCanvas(
    size,
    useCallback((context, now) => drawWave(context, found.peaks, at, now.width), [found, at]),
  );
  const press = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    onSeek((event.clientX - box.left) / box.width);
  };
  return (
    <div ref={host} className="wave" onPointerDown={press}>
      <canvas
        ref={canvas}
        style={{ width, height: HEIGHT }}
        role="img"
        aria-label={`Waveform of ${name}, ${formatNumber(found.seconds, 3)} seconds`}
      />
    </div>
  );
}
