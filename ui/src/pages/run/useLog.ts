/** Loads a log stream: its tail first, what is appended as it comes, older pieces on request. */

import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { client } from "~/api/client";
import { logsQuery } from "~/api/queries";
import { append, type LogWindow, openWindow, prepend, WINDOW_BYTES_MAX } from "~/model/logs";

/** Bytes of a request. */
const PIECE_BYTES = 256 * 1024;

export interface LogState {
  window: LogWindow | undefined;
  error: Error | undefined;
  loadOlder: (() => void) | undefined;
}

export function useLog(run: string, attempt: number, stream: string): LogState {
  const [window, setWindow] = useState<LogWindow>();
  const [error, setError] = useState<Error>();
  const busy = useRef(false);
  const list = useQuery(logsQuery(run)).data?.logs;
  const size = list?.find((log) => log.attempt === attempt && log.stream === stream)?.size;

  // Another stream starts anew.
  useEffect(() => {
    const controller = new AbortController();
    setWindow(undefined);
    setError(undefined);
    busy.current = true;
    client
      .logPiece(run, stream, { attempt, tail: PIECE_BYTES }, controller.signal)
      .then((piece) => setWindow(openWindow(piece)))
      .catch((cause: unknown) => {
        if (!controller.signal.aborted) setError(cause instanceof Error ? cause : new Error(String(cause)));
      })
      .finally(() => {
        busy.current = false;
      });
    return () => controller.abort();
  }, [run, attempt, stream]);

  // The list of streams is refetched on events; a greater size there means more to read here.
  const end = window?.end;
  useEffect(() => {
    if (size === undefined || end === undefined || size <= end) return;
    const controller = new AbortController();
    client
      .logPiece(run, stream, { attempt, offset: end, limit: PIECE_BYTES }, controller.signal)
      .then((piece) => setWindow((before) => (before ? append(before, piece) : openWindow(piece))))
      .catch((cause: unknown) => {
        if (!controller.signal.aborted) setError(cause instanceof Error ? cause : new Error(String(cause)));
      });
    return () => controller.abort();
  }, [run, attempt, stream, size, end]);

  const start = window?.start ?? 0;
  const loadOlder = useCallback(() => {
    if (busy.current || start === 0) return;
    busy.current = true;
    const offset = Math.max(0, start - PIECE_BYTES);
    client
      .logPiece(run, stream, { attempt, offset, limit: start - offset })
      .then((piece) => setWindow((before) => (before ? prepend(before, piece) : before)))
      .catch((cause: unknown) => setError(cause instanceof Error ? cause : new Error(String(cause))))
      .finally(() => {
        busy.current = false;
      });
  }, [run, attempt, stream, start]);

  const full = (window?.bytes.length ?? 0) >= WINDOW_BYTES_MAX;
  return { window, error, loadOlder: start > 0 && !full ? loadOlder : undefined };
}
