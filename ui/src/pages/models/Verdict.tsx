/** What a gate said: each check with its numbers. */

import { TableWrap } from "~/components/parts";
import { type Check, type GateVerdict, verdictText } from "~/model/registry";

const OUTCOMES: Record<Check["outcome"], string> = { passed: "good", failed: "bad", warning: "warn" };

function ChecksTable({ checks }: { checks: readonly Check[] }) {
  return (
    <TableWrap label="Checks of the gate">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Outcome</th>
            <th scope="col">Rule</th>
            <th scope="col">Of</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {checks.map((check) => (
            <tr key={`${check.rule} ${check.subject} ${check.message}`}>
              <td>
                <span className={`badge ${OUTCOMES[check.outcome]}`}>{check.outcome}</span>
              </td>
              <th scope="row">{check.rule}</th>
              <td>
                <code>{check.subject.replaceAll("`", "")}</code>
              </td>
              <td className="prose">{check.message}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}

/** The checks at once: the answer to what was just asked. */
export function Verdict({ verdict }: { verdict: GateVerdict }) {
  return (
    <div className="verdict">
      <p className="row verdict-head">
        <span className={`badge ${verdict.passed ? "good" : "bad"}`}>
          {verdict.passed ? "passed" : "refused"}
        </span>
        <span className="small">{verdictText(verdict)}</span>
      </p>
      <ChecksTable checks={verdict.checks} />
    </div>
  );
}

/** The checks when they are unfolded: one of many lines. */
export function FoldedVerdict({ verdict }: { verdict: GateVerdict }) {
  return (
    <details className="verdict-folded">
      <summary>
        <span className={`badge ${verdict.passed ? "good" : "bad"}`}>
          gate {verdict.passed ? "passed" : "refused"}
        </span>{" "}
        <span className="small muted">{verdictText(verdict)}</span>
      </summary>
      <ChecksTable checks={verdict.checks} />
    </details>
  );
}
