/** A window onto a log stream: opened anywhere, grown where it is looked at, bounded in memory. */

import { useCallback, useEffect, useRef, useState } from "react";
import { client } from "~/api/client";
import type { LogPlace } from "~/api/runPage";
import { append, type LogPiece, type LogWindow, openWindow, prepend } from "~/model/logs";

/** Bytes of a request. */
const PIECE_BYTES = 256 * 1024;

/** Where the reader wants to be; a new object each time, so that the same place can be gone to again. */
export type LogTarget = { kind: "end" } | { kind: "offset"; offset: number };

export interface LogState {
  window: LogWindow | undefined;
  /** Where to scroll, once the window holds it. */
  target: LogTarget | undefined;
  error: Error | undefined;
  go: (target: LogTarget) => void;
  loadOlder: () => void;
  loadNewer: () => void;
}

function holds(window: LogWindow, target: LogTarget): boolean {
  if (target.kind === "end") return window.end >= window.size;
  return target.offset >= window.start && target.offset < window.end;
}

function openPiece(place: LogPlace, target: LogTarget, signal: AbortSignal): Promise<LogPiece> {
  const { run, attempt, stream } = place;
  const where =
    target.kind === "end"
      ? { attempt, tail: PIECE_BYTES }
      : { attempt, offset: Math.max(0, target.offset - PIECE_BYTES / 2), limit: PIECE_BYTES };
  return client.logPiece(run, stream, where, signal);
}

/** The place is fixed while the component lives: another stream is another component. */
export function useLog(place: LogPlace, first: LogTarget): LogState {
  const [window, setWindow] = useState<LogWindow>();
  const [target, setTarget] = useState<LogTarget>();
  const [error, setError] = useState<Error>();
  const loading = useRef<AbortController>(undefined);
  const latest = useRef({ place, window });
  latest.current = { place, window };
  const [start] = useState(first);

  /** One request at a time; a new place to open takes over from whatever is under way. */
  const load = useCallback((ask: (signal: AbortSignal) => Promise<LogPiece>, take: (p: LogPiece) => void) => {
    const controller = new AbortController();
    loading.current?.abort();
    loading.current = controller;
    const done = () => {
      if (loading.current === controller) loading.current = undefined;
    };
    ask(controller.signal).then(
      (piece) => {
        if (controller.signal.aborted) return;
        done();
        setError(undefined);
        take(piece);
      },
      (cause: unknown) => {
        if (controller.signal.aborted) return;
        done();
        setError(cause instanceof Error ? cause : new Error(String(cause)));
      },
    );
  }, []);

  const go = useCallback(
    (next: LogTarget) => {
      const held = latest.current.window;
      if (held && holds(held, next)) {
        setTarget(next);
        return;
      }
      load(
        (signal) => openPiece(latest.current.place, next, signal),
        (piece) => {
          setWindow(openWindow(piece));
          setTarget(next);
        },
      );
    },
    [load],
  );

  useEffect(() => {
    go(start);
    return () => loading.current?.abort();
  }, [go, start]);

  const grow = useCallback(
    (older: boolean) => {
      const held = latest.current.window;
      if (loading.current || !held || (older && held.start === 0)) return;
      const { run, attempt, stream } = latest.current.place;
      const offset = older ? Math.max(0, held.start - PIECE_BYTES) : held.end;
      const limit = older ? held.start - offset : PIECE_BYTES;
      const add = older ? prepend : append;
      load(
        (signal) => client.logPiece(run, stream, { attempt, offset, limit }, signal),
        (piece) => setWindow((before) => before && add(before, piece)),
      );
    },
    [load],
  );
  const loadOlder = useCallback(() => grow(true), [grow]);
  const loadNewer = useCallback(() => grow(false), [grow]);
  return { window, target, error, go, loadOlder, loadNewer };
}
