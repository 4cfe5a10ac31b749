/** The adapters an experiment can start from, with what they can do and why one cannot be used. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { adaptersQuery, launchesQuery } from "~/api/queries";
import type { AdapterView } from "~/api/types";
import { Empty, ErrorNotice, Loading } from "~/components/parts";

/** Why an experiment cannot start from the adapter; undefined when it can. */
function obstacle(adapter: AdapterView): string | undefined {
  if (adapter.problem) return adapter.problem;
  if (adapter.source === "seen in runs") return "It is not on the hub's machine; it was seen in runs.";
  return adapter.capabilities.includes("train") ? undefined : "It cannot train.";
}

function Needs({ adapter, hasRoots }: { adapter: AdapterView; hasRoots: boolean }) {
  const { dataset } = adapter;
  return (
    <div className="foot">
      {adapter.tasks.map((task) => (
        <span key={task} className="badge">
          {task}
        </span>
      ))}
      {dataset && dataset.formats.length > 0 && (
        <span className="badge outline">reads {dataset.formats.join(", ")}</span>
      )}
      {dataset?.ordered && <span className="badge outline">rows in order</span>}
      {adapter.takes_command && (
        <span className={`badge ${hasRoots ? "outline" : "warn"}`}>needs a launch root</span>
      )}
    </div>
  );
}

function Card(props: { adapter: AdapterView; project: string | undefined; hasRoots: boolean }) {
  const { adapter } = props;
  const why = obstacle(adapter);
  const head = (
    <div className="row">
      <h2 className="grow truncate">{adapter.name}</h2>
      <span className="muted small">{adapter.version}</span>
      {why && <span className="badge bad">cannot be used</span>}
    </div>
  );
  if (why) {
    return (
      <div className="adapter-card">
        {head}
        <p className="muted small">{why}</p>
      </div>
    );
  }
  return (
    <Link
      to="/new"
      search={{ adapter: adapter.name, ...(props.project && { project: props.project }) }}
      className="adapter-card"
      aria-label={`New experiment with ${adapter.name}`}
    >
      {head}
      <p className="muted small">{adapter.description}</p>
      <Needs adapter={adapter} hasRoots={props.hasRoots} />
    </Link>
  );
}

export function AdapterChoice({ project }: { project: string | undefined }) {
  const query = useQuery(adaptersQuery());
  const roots = useQuery(launchesQuery()).data?.roots ?? [];
  const adapters = query.data?.adapters ?? [];
  // What can be used comes first.
  const sorted = [
    ...adapters.filter((one) => obstacle(one) === undefined),
    ...adapters.filter((one) => obstacle(one) !== undefined),
  ];
  return (
    <div className="page">
      <div className="page-head">
        <h1>New experiment</h1>
        <p className="muted">
          Choose what trains. To start from an experiment there is, open one of its runs and press “Clone”.
        </p>
      </div>
      <div className="page-body">
        {query.isPending && <Loading />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data && sorted.length === 0 && (
          <Empty
            title="No adapters"
            commands={[
              ["mlhub adapter list", "names every adapter of this machine, broken ones with their reason"],
              ["mlhub adapter new my-model", "writes a working skeleton"],
            ]}
          />
        )}
        <div className="adapter-cards">
          {sorted.map((adapter) => (
            <Card
              key={`${adapter.name}@${adapter.version ?? ""}@${adapter.source}`}
              adapter={adapter}
              project={project}
              hasRoots={roots.length > 0}
            />
          ))}
        </div>
      </div>
    </div>
  );
}
