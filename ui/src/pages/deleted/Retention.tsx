/** Retention rules: what the hub removes by itself, and what it would remove now. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { retentionQuery } from "~/api/queries";
import type { RetentionRule } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Empty, ErrorNotice, Loading, Panel, TableWrap } from "~/components/parts";
import { ruleText } from "~/model/deletions";
import { formatAge, formatTime, plural } from "~/model/format";
import { RetentionDialog } from "./RetentionDialog";

/** Which rules are looked at: one by name, or all. */
export interface RetentionWish {
  name: string | undefined;
}

export function Retention() {
  const query = useQuery(retentionQuery());
  const [wish, setWish] = useState<RetentionWish>();
  const now = useNow(false);
  if (query.isPending || query.isError) {
    return (
      <div className="tab-body">
        {query.isPending ? (
          <Loading />
        ) : (
          <ErrorNotice error={query.error} retry={() => void query.refetch()} />
        )}
      </div>
    );
  }
  const { rules } = query.data;
  if (rules.length === 0) return <NoRules />;
  return (
    <div className="tab-body">
      <Panel
        title={plural(rules.length, "rule")}
        aside={
          <button type="button" className="button" onClick={() => setWish({ name: undefined })}>
            What would all remove now?
          </button>
        }
        flush
      >
        <TableWrap label="Retention rules">
          <table className="table hover">
            <thead>
              <tr>
                <th scope="col">Rule</th>
                <th scope="col">What is done</th>
                <th scope="col">To which runs</th>
                <th scope="col">Set by</th>
                <th scope="col">Last applied</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rules.map((rule) => (
                <Row key={rule.name} rule={rule} now={now} ask={() => setWish({ name: rule.name })} />
              ))}
            </tbody>
          </table>
        </TableWrap>
      </Panel>
      <p className="muted small">
        The hub applies all rules every hour. Rules are set with <code>mlhub retention set</code>.
      </p>
      {wish && <RetentionDialog wish={wish} close={() => setWish(undefined)} />}
    </div>
  );
}

function Row({ rule, now, ask }: { rule: RetentionRule; now: number; ask: () => void }) {
  return (
    <tr>
      <th scope="row">{rule.name}</th>
      <td>
        <span className={`badge ${rule.action === "delete" ? "outline" : "bad"}`}>
          {rule.action.replace("_", " ")}
        </span>
      </td>
      <td className="prose">
        {ruleText(rule)}
        {rule.query && (
          <div>
            <code className="small">{rule.query}</code>
          </div>
        )}
      </td>
      <td>{rule.actor}</td>
      <td className="nowrap" title={formatTime(rule.applied_at)}>
        {rule.applied_at ? `${formatAge(rule.applied_at, now)} ago` : <span className="faint">not yet</span>}
      </td>
      <td className="num">
        <button
          type="button"
          className="button"
          aria-label={`What would ${rule.name} remove now?`}
          onClick={ask}
        >
          Try it
        </button>
      </td>
    </tr>
  );
}

function NoRules() {
  return (
    <Empty
      title="No retention rules"
      commands={[
        ["mlhub retention set old-logs --action drop-logs --after 90d", "lets go of output after 90 days"],
        [
          "mlhub retention set keep-20 --action delete --keep-last 20",
          "keeps the 20 newest of each experiment",
        ],
        ["mlhub retention set tidy --action purge --after 365d", "removes for good what is a year old"],
      ]}
    >
      <p>
        Without rules the hub keeps everything. Set one from a terminal; it can be tried here before it acts.
      </p>
    </Empty>
  );
}
