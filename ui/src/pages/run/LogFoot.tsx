/** Where in the stream the lines on screen stand, going anywhere in it, and taking all of it along. */

import { useEffect, useRef, useState } from "react";
import type { LogPlace } from "~/api/runPage";
import type { RunDetail } from "~/api/types";
import { Icon } from "~/components/Icon";
import { formatBytes } from "~/model/format";
import { saveLog } from "./save";
import type { LogTarget } from "./useLog";

/** Steps of the slider: finer than a screen is wide. */
const STEPS = 1_000;

function Slider(props: { position: number; size: number; go: (target: LogTarget) => void }) {
  const { size, go } = props;
  const [held, setHeld] = useState<number>();
  const share = size > 0 ? Math.min(STEPS, Math.round((props.position / size) * STEPS)) : 0;
  const value = held ?? share;
  const release = () => {
    if (held === undefined) return;
    setHeld(undefined);
    go(held >= STEPS ? { kind: "end" } : { kind: "offset", offset: Math.round((held / STEPS) * size) });
  };
  return (
    <>
      <input
        type="range"
        className="grow"
        aria-label="Place in the log"
        aria-valuetext={`${Math.round((value / STEPS) * 100)} percent`}
        min={0}
        max={STEPS}
        value={value}
        onChange={(event) => setHeld(Number(event.target.value))}
        onPointerUp={release}
        onKeyUp={release}
        onBlur={release}
      />
      <span className="muted small nowrap log-place">
        {formatBytes((value / STEPS) * size)} of {formatBytes(size)}
      </span>
    </>
  );
}

function Download({ run, place }: { run: RunDetail; place: LogPlace }) {
  const [share, setShare] = useState<number>();
  const [failed, setFailed] = useState<string>();
  const loading = useRef<AbortController>(undefined);
  useEffect(() => () => loading.current?.abort(), []);
  const save = () => {
    const controller = new AbortController();
    loading.current = controller;
    setFailed(undefined);
    setShare(0);
    saveLog(place, `${run.name}-${place.attempt}-${place.stream}.log`, controller.signal, setShare)
      .catch((cause: unknown) => {
        if (!controller.signal.aborted) setFailed(cause instanceof Error ? cause.message : String(cause));
      })
      .finally(() => setShare(undefined));
  };
  return (
    <>
      {failed && (
        <span className="badge bad" role="alert">
          {failed}
        </span>
      )}
      <button type="button" className="button ghost" disabled={share !== undefined} onClick={save}>
        <Icon name="download" size={14} />
        {share === undefined ? "Download" : `${Math.round(share * 100)} %`}
      </button>
    </>
  );
}

export function LogFoot(props: {
  run: RunDetail;
  place: LogPlace;
  position: number;
  size: number;
  go: (target: LogTarget) => void;
}) {
  const { go, size } = props;
  return (
    <div className="row log-foot">
      <button type="button" className="button ghost" onClick={() => go({ kind: "offset", offset: 0 })}>
        Start
      </button>
      <Slider position={props.position} size={size} go={go} />
      <button type="button" className="button ghost" onClick={() => go({ kind: "end" })}>
        End
      </button>
      <Download run={props.run} place={props.place} />
    </div>
  );
}
