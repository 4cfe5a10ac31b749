/** Finds runs by the query language and hands over those that were checked. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { client } from "~/api/client";
import { keys } from "~/api/queries";
import { Dialog } from "~/components/Dialog";
import { ErrorNotice, Loading, StateBadge } from "~/components/parts";
import { formatCount, plural } from "~/model/format";
import { quoted } from "~/model/language";

const FOUND_MAX = 50;
/** Text that is a condition; anything else is looked for as it stands. */
const CONDITION = /[<>=~"(]|\b(and|or|not|in|is)\b/i;

function queryOf(text: string): string {
  const plain = text.trim();
  return plain === "" || CONDITION.test(plain) ? plain : quoted(plain);
}

export function RunPicker(props: {
  title: string;
  taken: readonly string[];
  /** How many more may be taken. */
  room: number;
  pick: (ids: string[]) => void;
  close: () => void;
}) {
  const [text, setText] = useState("");
  const [checked, setChecked] = useState<ReadonlySet<string>>(new Set());
  const query = queryOf(useDeferredValue(text));
  const found = useQuery({
    queryKey: [...keys.runs, "pick", query] as const,
    queryFn: ({ signal }) => client.runSearch({ query, columns: [], limit: FOUND_MAX }, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const toggle = (id: string) =>
    setChecked((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const tooMany = checked.size > props.room;
  return (
    <Dialog title={props.title} wide close={props.close}>
      <input
        type="search"
        className="input"
        aria-label="Find runs"
        placeholder="A name, or a condition such as metrics.acc > 0.9"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="picker-list">
        {found.isPending && <Loading lines={5} />}
        {found.isError && <ErrorNotice error={found.error} />}
        {found.data?.runs.length === 0 && <p className="muted">No run is found by that.</p>}
        <ul aria-label="Runs found">
          {found.data?.runs.map((run) => {
            const taken = props.taken.includes(run.id);
            return (
              <li key={run.id}>
                <label className="row">
                  <input
                    type="checkbox"
                    checked={taken || checked.has(run.id)}
                    disabled={taken}
                    onChange={() => toggle(run.id)}
                  />
                  <span className="truncate grow">{run.name}</span>
                  <span className="faint small truncate">{`${run.project} · ${run.experiment}`}</span>
                  {run.state !== "finished" && <StateBadge state={run.state} />}
                </label>
              </li>
            );
          })}
        </ul>
        {(found.data?.total ?? 0) > FOUND_MAX && (
          <p className="muted small">
            the newest {FOUND_MAX} of {formatCount(found.data?.total ?? 0)}: write more to narrow them
          </p>
        )}
      </div>
      {tooMany && (
        <p role="alert" className="bad-text">
          Only {plural(props.room, "more run")} can be taken.
        </p>
      )}
      <div className="row end">
        <button type="button" className="button" onClick={props.close}>
          Cancel
        </button>
        <button
          type="button"
          className="button primary"
          disabled={checked.size === 0 || tooMany}
          onClick={() => {
            props.pick([...checked]);
            props.close();
          }}
        >
          Add {checked.size > 0 && plural(checked.size, "run")}
        </button>
      </div>
    </Dialog>
  );
}
