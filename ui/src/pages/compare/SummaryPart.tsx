/** The comparison in words; each sentence unfolds to the numbers it stands on. */

import { summarise } from "~/model/compareSummary";
import type { PartProps } from "./useCompare";

const SIGNS = { fact: "•", better: "▲", worse: "▼", open: "?" } as const;

export function SummaryPart({ comparison, tests, baseline }: PartProps) {
  const statements = summarise(comparison, tests, comparison.runs[baseline]?.id);
  return (
    <ul className="statements">
      {statements.map((statement) => (
        <li key={statement.text} className={statement.tone}>
          <span className="sign" aria-hidden="true">
            {SIGNS[statement.tone]}
          </span>
          {statement.details.length === 0 ? (
            <p>{statement.text}</p>
          ) : (
            <details>
              <summary>{statement.text}</summary>
              <ul className="small muted">
                {statement.details.map((detail) => (
                  <li key={detail}>{detail}</li>
                ))}
              </ul>
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}
