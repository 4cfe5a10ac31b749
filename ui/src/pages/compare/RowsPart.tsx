/** Two runs tested over the very rows both predicted, on demand. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { evaluationsQuery } from "~/api/queries";
import { pairQuery } from "~/api/trust";
import type { PairView } from "~/api/types";
import { Icon } from "~/components/Icon";
import { ErrorNotice, Loading, Notice, Swatch } from "~/components/parts";
import { plural } from "~/model/format";
import { chosenPair, isSignificant, pairable, sharedSplits, tally, unitsText, withSide } from "~/model/pairs";
import { RowTests } from "./RowTests";
import type { PartProps } from "./useCompare";

interface Choosable {
  id: string;
  name: string;
}

function Side(props: {
  label: "A" | "B";
  value: Choosable;
  runs: readonly Choosable[];
  color: number;
  onChange: (id: string) => void;
}) {
  return (
    <label className="row small muted pair-side">
      {props.label}
      <Swatch color={props.color} />
      <select
        className="select"
        aria-label={`Run ${props.label}`}
        value={props.value.id}
        onChange={(event) => props.onChange(event.target.value)}
      >
        {props.runs.map((run) => (
          <option key={run.id} value={run.id}>
            {run.name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Says({ view }: { view: PairView }) {
  const { a, b, none, untold } = tally(view.tests);
  const units = unitsText(view.tests);
  const parts = [
    a > 0 && `A is better in ${a}`,
    b > 0 && `B is better in ${b}`,
    none > 0 && `no difference was shown in ${none}`,
    untold > 0 && `no verdict on ${untold}`,
  ].filter(Boolean);
  return (
    <p role="status">
      Of {plural(view.tests.length, "metric")}
      {units !== "" && ` over ${units}`}: {parts.join(", ")}.
    </p>
  );
}

function Answer({ view, colors }: { view: PairView; colors: PartProps["colors"] }) {
  const [only, setOnly] = useState(false);
  const tests = only ? view.tests.filter(isSignificant) : view.tests;
  return (
    <>
      {view.warnings.map((warning) => (
        <Notice key={warning} tone="warn">
          {warning}
        </Notice>
      ))}
      <div className="row wrap">
        <div className="grow">
          <Says view={view} />
        </div>
        <label className="row small">
          <input type="checkbox" checked={only} onChange={(event) => setOnly(event.target.checked)} />
          Only significant
        </label>
      </div>
      {tests.length > 0 ? (
        <RowTests view={view} tests={tests} colors={colors} />
      ) : (
        <p className="muted">No metric differs significantly between these two runs.</p>
      )}
      <p className="muted small">
        Pairs of rows by id. Each bar is the 95 % interval of A − B of its one test, on an axis of its own
        around zero; p is adjusted by Holm over all metrics here, and a verdict needs it below 0.05. The tests
        take these two trained models as they are and ask whether other rows would tell the same. They say
        nothing about other seeds: that one method is better than another is for seed groups to show, under
        Metrics. No difference shown is no proof that there is none.
      </p>
    </>
  );
}

export function RowsPart({ comparison, colors, search, change, baseline }: PartProps) {
  const { runs } = comparison;
  const lists = useQueries({ queries: runs.map((run) => evaluationsQuery(run.id)) });
  const known = pairable(
    runs.map(({ id, name }, i) => {
      const done = lists[i]?.data?.evaluations.filter((one) => one.state === "done") ?? [];
      return { id, name, splits: [...new Set(done.map((one) => one.split))] };
    }),
  );
  const pair = chosenPair(known, search.pair, runs[baseline]?.id);
  const [a, b] = pair ?? [];
  const found = useQuery(pairQuery(a?.id ?? "", b?.id ?? ""));
  const error = lists.find((list) => list.error)?.error;
  if (error) return <ErrorNotice error={error} />;
  if (lists.some((list) => list.isPending)) return <Loading lines={3} />;
  if (!a || !b) {
    return (
      <p className="muted">
        Two runs can be tested row by row when the hub evaluated both on the same split. No two of these runs
        are.
      </p>
    );
  }
  const choose = (next: string) => change((before) => ({ ...before, pair: next }));
  const common = sharedSplits(a, b);
  return (
    <div className="stack tight">
      <div className="toolbar">
        <Side
          label="A"
          value={a}
          runs={known}
          color={colors.get(a.id) ?? 0}
          onChange={(id) => choose(withSide([a.id, b.id], 0, id))}
        />
        <Side
          label="B"
          value={b}
          runs={known}
          color={colors.get(b.id) ?? 0}
          onChange={(id) => choose(withSide([a.id, b.id], 1, id))}
        />
        <button
          type="button"
          className="button ghost icon"
          aria-label="Swap A and B"
          title="Swap A and B"
          onClick={() => choose(`${b.id},${a.id}`)}
        >
          <Icon name="compare" />
        </button>
        <button
          type="button"
          className={found.data ? "button" : "button primary"}
          disabled={found.isFetching || common.length === 0}
          onClick={() => void found.refetch()}
        >
          {found.isFetching ? "Testing …" : found.data ? "Test again" : "Test row by row"}
        </button>
      </div>
      {common.length === 0 && <p className="muted">These two were not evaluated on a common split.</p>}
      {found.isFetching && <Loading lines={5} />}
      {!found.isFetching && found.isError && (
        <div className="notice bad" role="alert">
          <h3>These two could not be tested row by row</h3>
          <p>{found.error.message}</p>
        </div>
      )}
      {!found.isFetching && found.data && !found.isError && <Answer view={found.data} colors={colors} />}
      {!found.isFetching && !found.data && !found.isError && common.length > 0 && (
        <p className="muted small">
          Far smaller differences are seen row by row than between two overlapping intervals. The tests take a
          few seconds.
        </p>
      )}
    </div>
  );
}
