/** All registered models: the newest version of each, what its aliases name, and what people say of it. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { modelsQuery } from "~/api/registry";
import type { RegisteredModelView } from "~/api/types";
import { useNow } from "~/components/hooks";
import { Empty, ErrorNotice, Loading, Panel, TableWrap } from "~/components/parts";
import { formatAge, formatTime, plural } from "~/model/format";
import { AliasBadge } from "./badges";

/** Aliases and tags of a row; the model's page has all. */
const BADGES_MAX = 4;

function textOf(model: RegisteredModelView): string {
  const tags = Object.entries(model.tags).map(([name, value]) => `${name}=${value}`);
  return [model.name, model.description, ...Object.keys(model.aliases), ...tags].join(" ").toLowerCase();
}

function Aliases({ model }: { model: RegisteredModelView }) {
  const aliases = Object.entries(model.aliases);
  return (
    <span className="row wrap">
      {aliases.slice(0, BADGES_MAX).map(([alias, version]) => (
        <AliasBadge
          key={alias}
          model={model.name}
          alias={alias}
          version={version}
          isProtected={alias in model.protections}
        />
      ))}
      {aliases.length > BADGES_MAX && <span className="faint small">+{aliases.length - BADGES_MAX}</span>}
    </span>
  );
}

function Told({ model }: { model: RegisteredModelView }) {
  const tags = Object.entries(model.tags);
  return (
    <>
      {model.description && <p className="clamp muted">{model.description}</p>}
      {tags.length > 0 && (
        <span className="row wrap">
          {tags.slice(0, BADGES_MAX).map(([name, value]) => (
            <span key={name} className="badge outline">
              {value === "true" ? name : `${name} ${value}`}
            </span>
          ))}
          {tags.length > BADGES_MAX && <span className="faint small">+{tags.length - BADGES_MAX}</span>}
        </span>
      )}
    </>
  );
}

function Row({ model, now }: { model: RegisteredModelView; now: number }) {
  return (
    <tr>
      <th scope="row">
        <Link className="link" to="/models/$name" params={{ name: model.name }}>
          {model.name}
        </Link>
      </th>
      <td className="num nowrap">
        {model.latest ? (
          <Link
            className="link"
            to="/models/$name/$version"
            params={{ name: model.name, version: String(model.latest) }}
            title={plural(model.versions, "version")}
          >
            version {model.latest}
          </Link>
        ) : (
          <span className="faint">none</span>
        )}
      </td>
      <td>
        <Aliases model={model} />
      </td>
      <td className="model-told">
        <Told model={model} />
      </td>
      <td className="num nowrap" title={formatTime(model.updated_at)}>
        {formatAge(model.updated_at, now)}
      </td>
    </tr>
  );
}

function Nothing() {
  return (
    <Empty
      title="No models yet"
      commands={[
        ["mlhub registry add digits --run RUN --path model", "registers version 1 from the files of a run"],
        ["mlhub registry promote digits 1 --alias champion", "names the version that is to be used"],
      ]}
    >
      <p>
        A registered model is a name with versions; each says which run it came from and where its files are.
        The page of a run has a button for it, too: <b>Register model</b> on its overview.
      </p>
    </Empty>
  );
}

export function ModelsPage() {
  const query = useInfiniteQuery(modelsQuery());
  const now = useNow(false);
  const [find, setFind] = useState("");
  const all = query.data ?? [];
  const needle = find.trim().toLowerCase();
  const shown = all.filter((one) => textOf(one).includes(needle));
  return (
    <div className="page">
      <div className="page-head">
        <h1>Models</h1>
        {all.length > 0 && (
          <div className="toolbar">
            <input
              data-search
              type="search"
              className="input search"
              placeholder="Find a model  ( / )"
              aria-label="Find a model"
              value={find}
              onChange={(event) => setFind(event.target.value)}
            />
          </div>
        )}
      </div>
      <div className="page-body">
        {query.isPending && <Loading />}
        {query.isError && <ErrorNotice error={query.error} retry={() => void query.refetch()} />}
        {query.data && all.length === 0 && <Nothing />}
        {all.length > 0 && (
          <Panel title={plural(shown.length, "model")} flush>
            <TableWrap label="Models">
              <table className="table hover">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col" className="num">
                      Newest
                    </th>
                    <th scope="col">Aliases</th>
                    <th scope="col">Description and tags</th>
                    <th scope="col" className="num">
                      Changed
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((one) => (
                    <Row key={one.id} model={one} now={now} />
                  ))}
                </tbody>
              </table>
            </TableWrap>
            {shown.length === 0 && <p className="inside muted">No model has these letters.</p>}
          </Panel>
        )}
        {query.hasNextPage && (
          <div>
            <button
              type="button"
              className="button"
              disabled={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              Show more models
            </button>
          </div>
        )}
      </div>
    </div>
  );
}
