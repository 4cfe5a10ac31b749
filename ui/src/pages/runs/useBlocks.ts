/**
 * The answer in blocks of rows and pieces of columns: only those on screen are fetched, and what was
 * on screen stays held. While another answer is on its way, the one before is shown.
 */

import { type UseQueryResult, useQueries } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import { runsBlockQuery } from "~/api/queries";
import type { RunFound, RunGroup, RunSearchReply, SearchHint } from "~/api/types";
import type { RunsRequest } from "~/model/request";
import { BLOCK_ROWS } from "~/model/rows";
import type { RunAnswer } from "./lines";

/** What is on screen: offsets of blocks, and which pieces of columns. */
export interface Need {
  offsets: readonly number[];
  pieces: readonly number[];
}

/** Blocks held besides those on screen. */
const HELD_MAX = 40;
/** A block nobody looks at is dropped after this; scrolling through 100,000 rows passes many. */
const UNSEEN_MS = 60_000;

const NO_HINTS: readonly SearchHint[] = [];

interface Block {
  /** Replies by the columns they hold. */
  replies: Map<string, RunSearchReply>;
  rows: RunFound[];
  groups: RunGroup[];
}

interface Held {
  key: string;
  blocks: Map<number, Block>;
  total: number;
  hints: readonly SearchHint[];
  /** Counts what arrived. */
  version: number;
}

export interface Blocks extends RunAnswer {
  /** Nothing was ever here. */
  pending: boolean;
  /** What is shown is the answer before. */
  stale: boolean;
  fetching: boolean;
  error: Error | null;
  retry: () => void;
  hints: readonly SearchHint[];
}

/** Rows with the values of all pieces of columns that are here. */
function merged(replies: ReadonlyMap<string, RunSearchReply>): Pick<Block, "rows" | "groups"> {
  const others = [...replies.values()];
  const base = others.pop();
  if (!base) return { rows: [], groups: [] };
  if (others.length === 0) return { rows: base.runs, groups: base.groups };
  const values = others.map((reply) => new Map(reply.runs.map((run) => [run.id, run.values])));
  const rows = base.runs.map((run) => ({
    ...run,
    values: Object.assign({}, ...values.map((one) => one.get(run.id) ?? {}), run.values),
  }));
  return { rows, groups: base.groups };
}

function fold(
  held: Held,
  offset: number,
  piece: string,
  reply: RunSearchReply,
  current: ReadonlySet<string>,
): void {
  const block = held.blocks.get(offset) ?? { replies: new Map(), rows: [], groups: [] };
  if (block.replies.get(piece) === reply) return;
  block.replies.delete(piece);
  block.replies.set(piece, reply);
  for (const other of block.replies.keys()) if (!current.has(other)) block.replies.delete(other);
  Object.assign(block, merged(block.replies));
  held.blocks.set(offset, block);
  held.total = reply.total;
  held.hints = reply.hints;
  held.version += 1;
}

function forget(held: Held, offsets: readonly number[]): void {
  for (const offset of [...held.blocks.keys()]) {
    if (held.blocks.size <= HELD_MAX) return;
    if (!offsets.includes(offset)) held.blocks.delete(offset);
  }
}

function answerOf(held: Held | undefined, grouped: boolean): RunAnswer {
  const place = (at: number) => [Math.floor(at / BLOCK_ROWS) * BLOCK_ROWS, at % BLOCK_ROWS] as const;
  const groups = [...(held?.blocks ?? [])]
    .sort(([a], [b]) => a - b)
    .flatMap(([offset, block]) => block.groups.map((group, i) => [offset + i, group] as const));
  return {
    grouped,
    total: held?.total ?? 0,
    groups,
    runAt: (at) => held?.blocks.get(place(at)[0])?.rows[place(at)[1]],
    groupAt: (at) => held?.blocks.get(place(at)[0])?.groups[place(at)[1]],
  };
}

function keyOf(request: RunsRequest): string {
  const { columns: _columns, ...rest } = request;
  return JSON.stringify(rest);
}

export function useBlocks(
  request: RunsRequest,
  pieces: readonly (readonly string[])[],
  need: Need,
  enabled: boolean,
): Blocks {
  const wanted = need.offsets.flatMap((offset) =>
    need.pieces.flatMap((at) => {
      const columns = pieces[at];
      return columns ? [{ offset, columns: [...columns], piece: columns.join() }] : [];
    }),
  );
  const answers = useQueries({
    queries: wanted.map(({ offset, columns }) => ({
      ...runsBlockQuery({ ...request, columns }, offset),
      enabled,
      gcTime: UNSEEN_MS,
    })),
  }) as UseQueryResult<RunSearchReply>[];
  const key = keyOf(request);
  const kept = useRef<{ held: Held; grouped: boolean }>(undefined);
  const arrived = answers.some((answer) => answer.data !== undefined);
  if (arrived && kept.current?.held.key !== key) {
    const held = { key, blocks: new Map(), total: 0, hints: [], version: 0 };
    kept.current = { held, grouped: request.group_by.length > 0 };
  }
  const held = kept.current?.held;
  if (held?.key === key) {
    const current = new Set(pieces.map((piece) => piece.join()));
    for (const [i, { offset, piece }] of wanted.entries()) {
      const reply = answers[i]?.data;
      if (reply) fold(held, offset, piece, reply, current);
    }
    forget(held, need.offsets);
  }
  const version = held?.version ?? 0;
  const grouped = kept.current?.grouped ?? request.group_by.length > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` says when `held` changed inside
  const answer = useMemo(() => answerOf(held, grouped), [held, version, grouped]);
  const failed = answers.find((one) => one.isError);
  const error = failed?.error ?? null;
  const refetch = failed?.refetch;
  const fetching = answers.some((one) => one.isFetching);
  const stale = held !== undefined && held.key !== key;
  // The same object as long as it says the same: whoever draws it need not draw it again.
  return useMemo(
    () => ({
      ...answer,
      pending: held === undefined,
      stale,
      fetching,
      error,
      retry: () => void refetch?.(),
      hints: held?.hints ?? NO_HINTS,
    }),
    [answer, held, stale, fetching, error, refetch],
  );
}
