/** All adapters as cards, found by text, by what they can do, and by whether something is wrong. */

import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { AdapterView } from "~/api/types";
import { Empty } from "~/components/parts";
import { type AdapterFilter, CAPABILITIES, capabilitiesOf, findAdapters } from "~/model/adapters";
import { plural } from "~/model/format";
import { Health, Problem } from "./Health";

function Card({ adapter }: { adapter: AdapterView }) {
  return (
    <section className="panel card" aria-label={adapter.name}>
      <div className="row">
        <h2 className="truncate">
          <Link to="/adapters" search={{ name: adapter.name }}>
            {adapter.name}
          </Link>
        </h2>
        {adapter.version && <span className="muted small">{adapter.version}</span>}
        <span className="grow" />
        <Health adapter={adapter} />
      </div>
      <p className="muted clamp">{adapter.description || "It does not describe itself."}</p>
      {adapter.problem && <Problem adapter={adapter} />}
      <div className="row wrap">
        {adapter.capabilities.map((capability) => (
          <span key={capability} className="badge accent" title={CAPABILITIES[capability]}>
            {capability}
          </span>
        ))}
        {adapter.tasks.map((task) => (
          <span key={task} className="badge">
            {task}
          </span>
        ))}
      </div>
    </section>
  );
}

function Filters(props: {
  adapters: readonly AdapterView[];
  filter: AdapterFilter;
  change: (next: Partial<AdapterFilter>) => void;
}) {
  const { filter, change } = props;
  const broken = props.adapters.filter((one) => one.problem).length;
  return (
    <div className="toolbar">
      <input
        data-search
        type="search"
        className="input search"
        placeholder="Find an adapter  ( / )"
        aria-label="Find an adapter"
        value={filter.text}
        onChange={(event) => change({ text: event.target.value })}
      />
      {capabilitiesOf(props.adapters).map((capability) => (
        <button
          key={capability}
          type="button"
          className="chip"
          aria-pressed={filter.capability === capability}
          title={CAPABILITIES[capability]}
          onClick={() => change({ capability: filter.capability === capability ? undefined : capability })}
        >
          {capability}
        </button>
      ))}
      {broken > 0 && (
        <button
          type="button"
          className="chip"
          aria-pressed={filter.brokenOnly}
          onClick={() => change({ brokenOnly: !filter.brokenOnly })}
        >
          {broken} cannot be used
        </button>
      )}
    </div>
  );
}

export function AdapterList({ adapters }: { adapters: readonly AdapterView[] }) {
  const [filter, setFilter] = useState<AdapterFilter>({ text: "", capability: undefined, brokenOnly: false });
  if (adapters.length === 0) {
    return (
      <Empty
        title="No adapters seen"
        commands={[
          ["mlhub adapter list", "names every adapter of this machine, broken ones with their reason"],
          ["mlhub adapter new my-model", "writes a working skeleton"],
        ]}
      />
    );
  }
  const shown = findAdapters(adapters, filter);
  return (
    <>
      <Filters
        adapters={adapters}
        filter={filter}
        change={(next) => setFilter((before) => ({ ...before, ...next }))}
      />
      <p className="faint small" role="status">
        {plural(shown.length, "adapter")}
      </p>
      {shown.length === 0 && <Empty title="No adapter matches" />}
      <div className="cards">
        {shown.map((adapter) => (
          <Card key={`${adapter.name}@${adapter.version ?? ""}@${adapter.source}`} adapter={adapter} />
        ))}
      </div>
    </>
  );
}
