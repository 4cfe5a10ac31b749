/** An output of a model, each kind in its own form. */

import { ForecastChart } from "~/charts/ForecastChart";
import { Facts, Stat, TableWrap } from "~/components/parts";
import { type Answer, type ClassScore, type Piece, rawText, readAnswer } from "~/model/answers";
import { hashText, seriesColor } from "~/model/colors";
import { formatCount, formatFixed, formatNumber, fullNumber } from "~/model/format";
import type { OutputSpec } from "~/model/served";

/** Classes drawn at most, the best. */
const SCORES_MAX = 50;

export function AnswerView(props: { spec: OutputSpec; output: unknown; asked: string | undefined }) {
  const answer = readAnswer(props.spec, props.output, props.asked);
  switch (answer.kind) {
    case "classes":
      return <Classes label={answer.label} scores={answer.scores} />;
    case "value":
      return <Stat label={answer.name} value={<Value value={answer.value} unit={answer.unit} />} />;
    case "values":
      return (
        <Facts items={answer.values.map(({ name, value }) => [name, <Value key={name} value={value} />])} />
      );
    case "forecast":
      return <Forecast answer={answer} />;
    case "text":
      return <p className="prose">{answer.text}</p>;
    case "tokens":
      return <Tokens pieces={answer.pieces} />;
    case "cluster":
      return <Stat label="cluster" value={answer.label} />;
    case "anomaly":
      return <Anomaly anomaly={answer.anomaly} score={answer.score} />;
    case "raw":
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <pre className="code-block wrapped" tabIndex={0}>
          {rawText(answer.value)}
        </pre>
      );
  }
}

function Value({ value, unit }: { value: number; unit?: string | undefined }) {
  return (
    <span title={fullNumber(value)}>
      {formatNumber(value)}
      {unit && <span className="faint"> {unit}</span>}
    </span>
  );
}

function Classes({ label, scores }: { label: string; scores: readonly ClassScore[] }) {
  return (
    <>
      <Stat label="label" value={label} />
      {scores.length > 0 && (
        <ol className="scores" aria-label="Scores of the classes">
          {scores.slice(0, SCORES_MAX).map((one) => (
            <li key={one.label} className={one.label === label ? "chosen" : ""}>
              <span className="truncate" title={one.label}>
                {one.label}
              </span>
              <span className="num" title={fullNumber(one.score)}>
                {formatFixed(one.score)}
              </span>
              <span className="bar" aria-hidden="true">
                <span style={{ width: `${one.share * 100}%` }} />
              </span>
            </li>
          ))}
        </ol>
      )}
      {scores.length > SCORES_MAX && (
        <p className="muted small">
          the best {SCORES_MAX} of {formatCount(scores.length)}
        </p>
      )}
    </>
  );
}

function Tokens({ pieces }: { pieces: readonly Piece[] }) {
  if (pieces.length === 0) return <p className="muted">No tokens.</p>;
  return (
    <p className="prose tokens">
      {pieces.map((piece, at) =>
        piece.label === undefined ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a text have nothing but their place
          <span key={at}>{piece.text}</span>
        ) : (
          <mark
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a text have nothing but their place
            key={at}
            title={piece.score === undefined ? piece.label : `${piece.label}, ${fullNumber(piece.score)}`}
            style={{ borderColor: seriesColor(hashText(piece.label)) }}
          >
            {piece.text}
            <span className="label"> {piece.label}</span>
          </mark>
        ),
      )}
    </p>
  );
}

function Anomaly({ anomaly, score }: { anomaly: boolean; score: number | undefined }) {
  return (
    <div className="row wrap">
      <span className={`badge ${anomaly ? "bad" : "good"}`}>{anomaly ? "anomaly" : "no anomaly"}</span>
      {score !== undefined && (
        <span className="muted">
          score <Value value={score} />
        </span>
      )}
    </div>
  );
}

function Forecast({ answer }: { answer: Answer & { kind: "forecast" } }) {
  const { values, lower, upper } = answer;
  if (values.length === 0) return <p className="muted">No steps.</p>;
  return (
    <>
      <ForecastChart values={values} lower={lower} upper={upper} />
      <details>
        <summary>Values</summary>
        <TableWrap label="Forecast">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Step</th>
                <th scope="col" className="num">
                  Value
                </th>
                {lower && (
                  <th scope="col" className="num">
                    Lower
                  </th>
                )}
                {upper && (
                  <th scope="col" className="num">
                    Upper
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {values.map((value, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
                <tr key={at}>
                  <th scope="row">{at + 1}</th>
                  {[[value], lower && [lower[at]], upper && [upper[at]]].map(
                    (cell, i) =>
                      cell && (
                        // biome-ignore lint/suspicious/noArrayIndexKey: columns stand still
                        <td key={i} className="num" title={fullNumber(cell[0])}>
                          {formatNumber(cell[0])}
                        </td>
                      ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      </details>
    </>
  );
}
