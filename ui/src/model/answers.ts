/** Outputs and hits of a model, and its failures, read for showing. */

import { imageUrl } from "./images";
import { asArray, asJson, asNumber, asNumbers, asObject, asText, inline, type Json } from "./json";
import type { OutputSpec } from "./served";

export interface ClassScore {
  label: string;
  score: number;
  /** How much of the bar is filled, 0 to 1. */
  share: number;
}

/** A stretch of text; with a label when the model named it. */
export interface Piece {
  text: string;
  label: string | undefined;
  score: number | undefined;
}

export type Answer =
  | { kind: "classes"; label: string; scores: ClassScore[] }
  | { kind: "value"; name: string; value: number; unit: string | undefined }
  | { kind: "values"; values: { name: string; value: number }[] }
  | { kind: "forecast"; values: number[]; lower: number[] | undefined; upper: number[] | undefined }
  | { kind: "text"; text: string }
  | { kind: "tokens"; pieces: Piece[] }
  | { kind: "cluster"; label: string }
  | { kind: "anomaly"; anomaly: boolean; score: number | undefined }
  /** What is not as described, or has no form of its own. */
  | { kind: "raw"; value: Json };

/** Labels are texts, but a model may name its classes by number. */
function labelText(value: Json | undefined): string | undefined {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : asText(value);
}

/** The label first, then by score. */
function readScores(value: Json | undefined, label: string): ClassScore[] {
  const found = Object.entries(asObject(value)).flatMap(([name, raw]) => {
    const score = asNumber(raw);
    return score === undefined ? [] : [{ label: name, score }];
  });
  const finite = found.map((one) => one.score).filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), 0);
  // Probabilities are drawn on their whole range; other scores on the one they have.
  const most = finite.reduce((a, b) => Math.max(a, b), 0);
  const high = low === 0 && most <= 1 ? 1 : most;
  const share = (score: number) => (Number.isFinite(score) && high > low ? (score - low) / (high - low) : 0);
  return found
    .map((one) => ({ ...one, share: share(one.score) }))
    .sort((a, b) => Number(b.label === label) - Number(a.label === label) || b.score - a.score);
}

/** Labels that say that a token is nothing. */
const OUTSIDE = "O";

/** The asked text cut at the tokens; only the tokens when they do not tell where they are. */
function readTokens(value: Json | undefined, asked: string | undefined): Piece[] {
  const characters = [...(asked ?? "")];
  const pieces: Piece[] = [];
  let end = 0;
  const plain = (text: string) => {
    if (text !== "") pieces.push({ text, label: undefined, score: undefined });
  };
  for (const one of asArray(value)) {
    const token = asObject(one);
    const [from, to] = [asNumber(token.start), asNumber(token.end)];
    const label = labelText(token.label);
    const placed =
      from !== undefined && to !== undefined && from >= end && to > from && to <= characters.length;
    if (placed) plain(characters.slice(end, from).join(""));
    else if (pieces.length > 0) plain(" ");
    const text = placed ? characters.slice(from, to).join("") : (asText(token.text) ?? "");
    if (label === undefined || label === OUTSIDE) plain(text);
    else pieces.push({ text, label, score: asNumber(token.score) });
    if (placed) end = to;
  }
  if (end > 0) plain(characters.slice(end).join(""));
  return pieces;
}

function readValues(value: Json | undefined): { name: string; value: number }[] {
  return Object.entries(asObject(value)).map(([name, raw]) => ({ name, value: asNumber(raw) ?? Number.NaN }));
}

function bound(value: Json | undefined, length: number): number[] | undefined {
  const list = asNumbers(value);
  return list.length === length && length > 0 ? list : undefined;
}

/** An output as the description says it is; `asked` is the text it is about, when it is about a text. */
export function readAnswer(spec: OutputSpec, output: unknown, asked?: string): Answer {
  const said = asObject(output);
  const label = labelText(said.label);
  const value = asNumber(said.value);
  if (spec.kind === "classes" && label !== undefined) {
    return { kind: "classes", label, scores: readScores(said.scores, label) };
  }
  if (spec.kind === "value" && value !== undefined) {
    return { kind: "value", name: spec.name ?? "value", value, unit: spec.unit };
  }
  if (spec.kind === "values" && Array.isArray(said.values)) {
    const values = asNumbers(said.values);
    const [lower, upper] = [bound(said.lower, values.length), bound(said.upper, values.length)];
    return { kind: "forecast", values, lower, upper };
  }
  if (spec.kind === "values" && typeof said.values === "object" && said.values !== null) {
    return { kind: "values", values: readValues(said.values) };
  }
  if (spec.kind === "text" && typeof said.text === "string") return { kind: "text", text: said.text };
  if (spec.kind === "tokens" && Array.isArray(said.tokens)) {
    const pieces = readTokens(said.tokens, asked);
    return { kind: "tokens", pieces: pieces.length > 0 || !asked ? pieces : [plainPiece(asked)] };
  }
  if (spec.kind === "cluster" && label !== undefined) return { kind: "cluster", label };
  if (spec.kind === "anomaly" && typeof said.anomaly === "boolean") {
    return { kind: "anomaly", anomaly: said.anomaly, score: asNumber(said.score) };
  }
  return { kind: "raw", value: asJson(output) };
}

/** Characters shown of an output that has no form of its own. */
export const RAW_MAX = 20_000;

/** JSON on one line, cut when it is long: a tensor is better read by a program. */
export function rawText(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > RAW_MAX ? `${text.slice(0, RAW_MAX)} …` : text;
}

function plainPiece(text: string): Piece {
  return { text, label: undefined, score: undefined };
}

export interface Hit {
  rank: number;
  id: string;
  score: number | undefined;
  text: string | undefined;
  label: string | undefined;
  /** Address of a raster image. */
  image: string | undefined;
}

export function readHit(value: unknown, at: number): Hit {
  const hit = asObject(value);
  return {
    rank: at + 1,
    id: inline(hit.id),
    score: asNumber(hit.score),
    text: asText(hit.text),
    label: labelText(hit.label),
    image: imageUrl(hit.image),
  };
}

export interface Failure {
  title: string;
  /** What can be done, when it is known; the hub's own words stand beside it. */
  advice?: string;
}

const FAILURES: Record<number, Failure> = {
  0: { title: "The hub does not answer" },
  400: { title: "The model refuses this input" },
  401: { title: "You are not signed in" },
  403: {
    title: "You may not ask this model",
    advice: "Asking starts a program on the hub's machine, which needs the role writer.",
  },
  404: { title: "There is no such model" },
  409: { title: "The model has changed", advice: "Load the page again." },
  413: { title: "This is too large" },
  501: { title: "This model cannot be asked here" },
  502: {
    title: "The model's program failed",
    advice: "The next request starts it anew.",
  },
  503: { title: "The hub is busy with other models", advice: "Ask again in a while." },
  504: { title: "The model did not answer in time", advice: "The next request starts its program anew." },
};

/** What a status of the hub means to someone who asked a model. */
export function failureOf(status: number): Failure {
  return FAILURES[status] ?? { title: "The model could not be asked" };
}
