/** Whether a run has a model to ask, and asking it. */

import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { client } from "~/api/client";
import { artifactsQuery } from "~/api/queries";
import type { RunDetail } from "~/api/types";
import { type InputSpec, leftModel, type QueryKind } from "~/model/served";

/** Told by the run's artifacts, so that a run without a model is never asked for one. */
export function useLeftModel(run: RunDetail) {
  return useQuery({
    ...artifactsQuery(run.id),
    // Only an adapter's program can load a model.
    enabled: Boolean(run.adapter),
    select: ({ artifacts }) => leftModel(artifacts),
  });
}

export interface Question {
  spec: InputSpec;
  input: unknown;
  /** Absent for a prediction. */
  search: { kind: QueryKind; hits: number } | undefined;
}

export interface Reply {
  question: Question;
  /** An output, or hits, the best first. */
  output: unknown;
  tookMs: number;
  coldStart: boolean;
}

async function ask(run: string, question: Question, signal: AbortSignal): Promise<Reply> {
  const { input, search } = question;
  if (!search) {
    const reply = await client.predict(run, [input], signal);
    return { question, output: reply.outputs[0], tookMs: reply.took_ms, coldStart: reply.cold_start };
  }
  const reply = await client.search(run, [{ [search.kind]: input }], search.hits, signal);
  return { question, output: reply.hits[0], tookMs: reply.took_ms, coldStart: reply.cold_start };
}

/** Asks one question at a time; `stop` and leaving the page give it up. */
export function useAsking(run: string) {
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const asking = useMutation({
    mutationFn: (question: Question) => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      return ask(run, question, controller.signal);
    },
  });
  const stop = () => {
    running.current?.abort();
    asking.reset();
  };
  return { asking, stop };
}

export type Asking = ReturnType<typeof useAsking>["asking"];
