/** One adapter: its state, what it can do, and its params with help, units, ranges and defaults. */

import { queryOptions, useQuery } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { client } from "~/api/client";
import { keys } from "~/api/queries";
import type { AdapterView } from "~/api/types";
import { Breadcrumbs } from "~/components/Breadcrumbs";
import { Command } from "~/components/Command";
import { Icon } from "~/components/Icon";
import { Empty, Facts, Panel } from "~/components/parts";
import { CAPABILITIES } from "~/model/adapters";
import { plural } from "~/model/format";
import { quoted } from "~/model/language";
import { Health, Problem } from "./Health";
import { SchemaBrowser } from "./SchemaBrowser";

const usedQuery = (name: string) =>
  queryOptions({
    queryKey: [...keys.runs, "adapter", name] as const,
    queryFn: ({ signal }) => client.runSearch({ adapter: name, columns: ["state"], limit: 1 }, signal),
  });

/** "New experiment" where that page is part of this build. */
function StartLink({ adapter }: { adapter: AdapterView }) {
  const router = useRouter();
  if (!("/new" in router.routesByPath) || adapter.problem || !adapter.capabilities.includes("train"))
    return null;
  return (
    <a className="button primary" href={`/new?adapter=${encodeURIComponent(adapter.name)}`}>
      <Icon name="plus" /> New experiment
    </a>
  );
}

function About({ adapter }: { adapter: AdapterView }) {
  const used = useQuery(usedQuery(adapter.name)).data?.total;
  return (
    <Facts
      items={[
        ["Version", adapter.version],
        ["Comes from", adapter.source],
        ["Tasks", adapter.tasks.join(", ")],
        [
          "Used by",
          used === undefined ? undefined : (
            <Link key="u" className="link" to="/" search={{ query: `adapter = ${quoted(adapter.name)}` }}>
              {plural(used, "run")}
            </Link>
          ),
        ],
      ]}
    />
  );
}

function Capabilities({ adapter }: { adapter: AdapterView }) {
  if (adapter.capabilities.length === 0) return <p className="muted">It promises nothing.</p>;
  return (
    <Facts
      items={adapter.capabilities.map(
        (one) =>
          [
            one,
            <span key={one} className="muted">
              {CAPABILITIES[one] ?? "of its own"}
            </span>,
          ] as const,
      )}
    />
  );
}

function One({ adapter }: { adapter: AdapterView }) {
  return (
    <>
      {adapter.problem && <Problem adapter={adapter} />}
      <div className="columns">
        <Panel title="About" aside={<Health adapter={adapter} />}>
          <About adapter={adapter} />
        </Panel>
        {!adapter.problem && (
          <Panel title="What it can do">
            <Capabilities adapter={adapter} />
          </Panel>
        )}
        <Panel title="In a terminal">
          <div className="stack tight">
            <Command text={`mlhub adapter show ${adapter.name}`} what="all of it as text" />
            <Command text={`mlhub adapter check ${adapter.name}`} what="tries every promise on small data" />
          </div>
        </Panel>
      </div>
      {/* What cannot be read tells neither. */}
      {!adapter.problem && <SchemaBrowser adapter={adapter} />}
    </>
  );
}

export function AdapterDetail({ name, adapters }: { name: string; adapters: readonly AdapterView[] }) {
  const [first] = adapters;
  return (
    <div className="page">
      <div className="page-head">
        <Breadcrumbs items={[{ label: "Adapters", to: "/adapters" }, { label: name }]} />
        <div className="row wrap">
          <h1 className="grow">{name}</h1>
          {first && <StartLink adapter={first} />}
        </div>
        {first?.description && <p className="muted measure">{first.description}</p>}
      </div>
      <div className="page-body">
        {!first && (
          <Empty
            title="No adapter of this name"
            commands={[["mlhub adapter list", "names those of this machine"]]}
          >
            <p>The hub knows an adapter once this machine has it, or once a run used it.</p>
          </Empty>
        )}
        {adapters.map((adapter) => (
          <One key={`${adapter.version ?? ""}@${adapter.source}`} adapter={adapter} />
        ))}
      </div>
    </div>
  );
}
