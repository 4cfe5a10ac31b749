/** Metric definitions: what each evaluated number means, exactly. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { definitionsQuery } from "~/api/queries";
import type { DefinitionView } from "~/api/types";
import { Copy, Empty, ErrorNotice, Facts, Loading } from "~/components/parts";
import { plural, shortHash } from "~/model/format";
import { asArray, asNumber, asObject, asText, inline, isEmpty, type JsonObject } from "~/model/json";
import { directionMark, directionText } from "~/model/metrics";

function rangeText(body: JsonObject): string {
  const [low, high] = asArray(body.range);
  const side = (value: unknown, open: string) => (asNumber(value) === undefined ? open : String(value));
  return `${side(low, "−∞")} to ${side(high, "∞")}`;
}

function Definition({ view }: { view: DefinitionView }) {
  const body = asObject(view.definition);
  const direction = asText(body.direction);
  const params = asObject(body.params);
  return (
    <section className="panel" aria-label={view.id}>
      <header>
        <h2>
          {view.id} <span className="faint">{directionMark(direction)}</span>
        </h2>
        <span className="grow" />
        {asArray(body.tasks).map((task) => (
          <span key={String(task)} className="badge">
            {String(task)}
          </span>
        ))}
      </header>
      <div className="inside stack tight">
        <p className="prose">{asText(body.formula)}</p>
        <Facts
          items={[
            ["Direction", directionText(direction)],
            ["Range", rangeText(body)],
            ["Unit", asText(body.unit)],
            ["Params", isEmpty(params) ? undefined : <code key="p">{inline(params)}</code>],
            ["Source", asText(body.source)],
            ["Hash", <Copy key="h" value={view.hash} short={shortHash(view.hash)} />],
          ]}
        />
      </div>
    </section>
  );
}

export function DefinitionsPage() {
  const query = useQuery(definitionsQuery());
  const [filter, setFilter] = useState("");
  const needle = filter.toLowerCase();
  const all = query.data?.definitions ?? [];
  const shown = all.filter((view) =>
    JSON.stringify([view.id, view.definition]).toLowerCase().includes(needle),
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>Metric definitions</h1>
        <p className="muted">
          {all.length > 0 ? `${plural(all.length, "definition")}. ` : ""}A released definition never changes;
          a change is a new version.
        </p>
        <div className="toolbar">
          <input
            data-search
            type="search"
            className="input search"
            placeholder="Find a metric  ( / )"
            aria-label="Find a metric"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
        </div>
      </div>
      <div className="page-body">
        {query.isPending && <Loading lines={8} />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data && shown.length === 0 && <Empty title="No definition matches" />}
        <div className="columns">
          {shown.map((view) => (
            <Definition key={view.id} view={view} />
          ))}
        </div>
      </div>
    </div>
  );
}
