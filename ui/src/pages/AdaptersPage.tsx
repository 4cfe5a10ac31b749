/** Adapters the hub knows: what each can do, its params, and why a broken one is broken. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { adaptersQuery } from "~/api/queries";
import type { AdapterView } from "~/api/types";
import { Empty, ErrorNotice, Loading, Notice, TableWrap } from "~/components/parts";
import { readSchema } from "~/model/dataset";
import { inline } from "~/model/json";

function Params({ adapter }: { adapter: AdapterView }) {
  const fields = readSchema(adapter.schema);
  if (fields.length === 0) return null;
  return (
    <details>
      <summary>
        Params and defaults <span className="faint">({fields.length})</span>
      </summary>
      <TableWrap label={`Params of ${adapter.name}`}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Param</th>
              <th scope="col">Type</th>
              <th scope="col">Default</th>
              <th scope="col">What it does</th>
            </tr>
          </thead>
          <tbody>
            {fields.map((field) => (
              <tr key={field.name}>
                <th scope="row">
                  <code>{field.name}</code> {field.required && <span className="badge warn">required</span>}
                </th>
                <td className="muted">
                  {field.type} {field.unit && `(${field.unit})`}
                </td>
                <td>
                  {field.fallback === undefined ? (
                    <span className="faint">–</span>
                  ) : (
                    <code>{inline(field.fallback)}</code>
                  )}
                </td>
                <td className="muted">{field.description}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
    </details>
  );
}

function Adapter({ adapter }: { adapter: AdapterView }) {
  return (
    <section className="panel" aria-label={adapter.name}>
      <header>
        <h2>{adapter.name}</h2>
        {adapter.version && <span className="muted">{adapter.version}</span>}
        <span className="grow" />
        {adapter.problem ? <span className="badge bad">cannot be used</span> : null}
        <span className="badge outline">{adapter.source}</span>
        {adapter.capabilities.includes("train") && !adapter.problem && adapter.source !== "seen in runs" && (
          <Link to="/new" search={{ adapter: adapter.name }} className="button">
            New experiment
          </Link>
        )}
      </header>
      <div className="inside stack tight">
        {adapter.problem && (
          <Notice tone="bad">
            <p>{adapter.problem}</p>
          </Notice>
        )}
        {adapter.description && <p>{adapter.description}</p>}
        <div className="row wrap">
          {adapter.capabilities.map((capability) => (
            <span key={capability} className="badge accent">
              {capability}
            </span>
          ))}
          {adapter.tasks.map((task) => (
            <span key={task} className="badge">
              {task}
            </span>
          ))}
        </div>
      </div>
      <Params adapter={adapter} />
    </section>
  );
}

export function AdaptersPage() {
  const query = useQuery(adaptersQuery());
  return (
    <div className="page">
      <div className="page-head">
        <h1>Adapters</h1>
        <p className="muted">
          An adapter teaches the hub one kind of model: its params, its commands, its metrics.
        </p>
      </div>
      <div className="page-body">
        {query.isPending && <Loading />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data?.adapters.length === 0 && (
          <Empty
            title="No adapters seen"
            commands={[
              ["mlhub adapter list", "names every adapter of this machine, broken ones with their reason"],
              ["mlhub adapter new my-model", "writes a working skeleton"],
            ]}
          />
        )}
        {query.data?.adapters.map((adapter) => (
          <Adapter key={`${adapter.name}@${adapter.version ?? ""}@${adapter.source}`} adapter={adapter} />
        ))}
      </div>
    </div>
  );
}
