/** What the hub says of the text as it stands: its mistakes, or what would run and what is not a default. */

import type { ConfigMistake, LaunchReply } from "~/api/types";
import { asArray, asObject, asText, inline, type Json } from "~/model/json";
import { OutputBox } from "./OutputBox";

function Mistakes(props: {
  mistakes: readonly ConfigMistake[];
  more: number;
  open: (one: ConfigMistake) => void;
}) {
  return (
    <ul className="check-mistakes" aria-label="Mistakes">
      {props.mistakes.map((one) => (
        <li key={`${one.path}:${one.line}:${one.message}`}>
          <button type="button" onClick={() => props.open(one)}>
            {one.line && <span className="faint small">line {one.line}</span>}
            <span className="what">
              {one.path !== "" && <code>{one.path}</code>} {one.message}
            </span>
            {one.help && <span className="help muted small">{one.help}</span>}
          </button>
        </li>
      ))}
      {props.more > 0 && <li className="inside muted">and {props.more} more</li>}
    </ul>
  );
}

/** What may go wrong, or could not be repeated; nothing of it keeps the experiment from starting. */
function Warnings({ warnings }: { warnings: readonly string[] }) {
  if (warnings.length === 0) return null;
  return (
    <ul className="plan-warnings" aria-label="Warnings">
      {warnings.map((warning) => (
        <li key={warning}>
          <span className="badge warn">warning</span> {warning}
        </li>
      ))}
    </ul>
  );
}

function Changes({ changes }: { changes: Json[] }) {
  if (changes.length === 0) return <p className="inside muted">All params are at their defaults.</p>;
  return (
    <table className="table diff-table">
      <thead>
        <tr>
          <th scope="col">Param</th>
          <th scope="col">Default</th>
          <th scope="col">Here</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(asObject).map((change) => (
          <tr key={asText(change.path)}>
            <th scope="row">
              <code>{asText(change.path)?.replace(/^params\./, "")}</code>
            </th>
            <td className="muted">
              <code>{inline(change.default ?? undefined)}</code>
            </td>
            <td>
              <code>{inline(change.value)}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The badge that says how the text stands. */
export function CheckBadge({ reply, waiting }: { reply: LaunchReply | undefined; waiting: boolean }) {
  if (waiting || !reply) return <span className="badge">checking</span>;
  if (reply.plan) return <span className="badge good">ready</span>;
  const count = reply.mistakes.length + reply.more_mistakes;
  return (
    <span className="badge bad">
      {count} {count === 1 ? "mistake" : "mistakes"}
    </span>
  );
}

export function CheckPanel(props: {
  reply: LaunchReply | undefined;
  waiting: boolean;
  open: (mistake: ConfigMistake) => void;
}) {
  const { reply } = props;
  const plan = reply?.plan;
  return (
    <section className="panel" aria-label="Dry run" aria-busy={props.waiting}>
      <header>
        <h2 className="grow">Dry run</h2>
        <CheckBadge reply={reply} waiting={props.waiting} />
      </header>
      {!reply && <p className="inside muted">The hub reads the text.</p>}
      {reply && !plan && <Mistakes mistakes={reply.mistakes} more={reply.more_mistakes} open={props.open} />}
      {plan && (
        <>
          <p className="inside">
            Would make {plan.seeds.length} {plan.seeds.length === 1 ? "run" : "runs"} with{" "}
            <strong>{plan.adapter}</strong> <span className="faint">({plan.adapter_source})</span>, seeds{" "}
            {plan.seeds.slice(0, 12).join(", ")}
            {plan.seeds.length > 12 && ", …"}.
          </p>
          <Warnings warnings={plan.warnings ?? []} />
          <Changes changes={asArray(plan.changes_from_defaults)} />
          <div className="inside">
            <details>
              <summary>The whole config</summary>
              <OutputBox label="Config" text={JSON.stringify(plan.config, null, 2)} />
            </details>
          </div>
        </>
      )}
    </section>
  );
}
