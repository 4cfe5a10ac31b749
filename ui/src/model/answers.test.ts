import { describe, expect, it } from "vitest";
import { failureOf, RAW_MAX, rawText, readAnswer, readHit } from "./answers";

function spec(kind: string) {
  return { kind, name: undefined, unit: undefined };
}

describe("scores of classes", () => {
  it("stand with the label first, then by score", () => {
    // A model may decide by something else than the greatest score.
    const answer = readAnswer(spec("classes"), { label: "b", scores: { a: 0.5, b: 0.2, c: 0.3 } });
    expect(answer).toEqual({
      kind: "classes",
      label: "b",
      scores: [
        { label: "b", score: 0.2, share: 0.2 },
        { label: "a", score: 0.5, share: 0.5 },
        { label: "c", score: 0.3, share: 0.3 },
      ],
    });
  });
  it("that are no probabilities fill bars on their own range", () => {
    const answer = readAnswer(spec("classes"), { label: "a", scores: { a: 3, b: -1, c: 1 } });
    expect(answer.kind === "classes" && answer.scores.map((one) => one.share)).toEqual([1, 0.5, 0]);
  });
  it("may be absent, and labels may be numbers", () => {
    expect(readAnswer(spec("classes"), { label: 2 })).toEqual({ kind: "classes", label: "2", scores: [] });
  });
});

describe("tokens", () => {
  const token = (text: string, label: string, start: number, end: number) => ({
    text,
    label,
    start,
    end,
    score: 1,
  });
  it("cut the text where they are, in characters", () => {
    const asked = "🐧 Ada met Bob.";
    const tokens = [token("Ada", "PER", 2, 5), token("met", "O", 6, 9), token("Bob", "PER", 10, 13)];
    const answer = readAnswer(spec("tokens"), { tokens }, asked);
    const pieces = answer.kind === "tokens" ? answer.pieces : [];
    expect(pieces.map((piece) => piece.text).join("")).toBe(asked);
    expect(pieces.flatMap((piece) => (piece.label ? [[piece.text, piece.label]] : []))).toEqual([
      ["Ada", "PER"],
      ["Bob", "PER"],
    ]);
  });
  it("without places stand one after the other", () => {
    const tokens = [
      { text: "Ada", label: "PER" },
      { text: "ran", label: "O" },
    ];
    const answer = readAnswer(spec("tokens"), { tokens }, "Ada ran");
    expect(answer.kind === "tokens" && answer.pieces.map((piece) => piece.text)).toEqual(["Ada", " ", "ran"]);
  });
  it("that are none leave the text as it is", () => {
    const answer = readAnswer(spec("tokens"), { tokens: [] }, "nothing");
    expect(answer).toEqual({
      kind: "tokens",
      pieces: [{ text: "nothing", label: undefined, score: undefined }],
    });
  });
});

describe("other outputs", () => {
  it("are values by name, or a forecast when they are a list", () => {
    expect(readAnswer(spec("values"), { values: { a: 1, b: "NaN" } })).toEqual({
      kind: "values",
      values: [
        { name: "a", value: 1 },
        { name: "b", value: Number.NaN },
      ],
    });
    const bounds = { lower: [0, 1], upper: [2] };
    expect(readAnswer(spec("values"), { values: [1, 2], ...bounds })).toEqual({
      kind: "forecast",
      values: [1, 2],
      lower: [0, 1],
      upper: undefined,
    });
  });
  it("are clusters, anomalies, texts and values", () => {
    expect(readAnswer(spec("cluster"), { label: 2 })).toEqual({ kind: "cluster", label: "2" });
    expect(readAnswer(spec("anomaly"), { anomaly: true, score: 0.7 })).toEqual({
      kind: "anomaly",
      anomaly: true,
      score: 0.7,
    });
    expect(readAnswer(spec("text"), { text: "" })).toEqual({ kind: "text", text: "" });
    expect(readAnswer({ kind: "value", name: "price", unit: "EUR" }, { value: 3 })).toEqual({
      kind: "value",
      name: "price",
      value: 3,
      unit: "EUR",
    });
  });
  it("that are not as described are shown as they came", () => {
    expect(readAnswer(spec("classes"), { value: 1 })).toEqual({ kind: "raw", value: { value: 1 } });
    expect(readAnswer(spec("tensor"), { value: [[1]] })).toEqual({ kind: "raw", value: { value: [[1]] } });
    expect(readAnswer(spec("value"), undefined)).toEqual({ kind: "raw", value: null });
    const long = rawText(Array.from({ length: RAW_MAX }, () => 1));
    expect(long.length).toBeLessThan(RAW_MAX + 10);
    expect(long.endsWith("…")).toBe(true);
  });
});

describe("a hit", () => {
  it("has its rank, and what it holds", () => {
    const image = { base64: "iVBO", media_type: "image/png" };
    expect(readHit({ id: 17, score: 0.5, label: "shoe", image }, 0)).toEqual({
      rank: 1,
      id: "17",
      score: 0.5,
      label: "shoe",
      text: undefined,
      image: "data:image/png;base64,iVBO",
    });
  });
});

describe("a failure", () => {
  it("says what a missing role needs, and has words for what is not known", () => {
    expect(failureOf(403).advice).toContain("writer");
    expect(failureOf(501).title).toContain("cannot");
    expect(failureOf(418).title).not.toBe("");
  });
});
