/** A new experiment: from an adapter, or from a run there is. */

import { useQuery } from "@tanstack/react-query";
import { adaptersQuery, runQuery } from "~/api/queries";
import { ErrorNotice, Loading } from "~/components/parts";
import { cloneExperiment, startText, writeAt } from "~/model/experimentText";
import { newRoute } from "~/router";
import { AdapterChoice } from "./AdapterChoice";
import { Editor } from "./Editor";

/** The project of an experiment when none was chosen. */
const PROJECT = "default";

/** The file itself is not kept: it may hold secrets that the config has redacted. */
const RESOLVED_NOTE =
  "Made from the run's resolved config. The file it was written in is not kept, so its comments are not here.";

export function NewPage() {
  const search = newRoute.useSearch();
  if (search.from) return <FromRun key={search.from} id={search.from} />;
  if (search.adapter) return <FromAdapter key={search.adapter} name={search.adapter} />;
  return <AdapterChoice project={search.project} />;
}

function Waiting({ error }: { error: Error | null }) {
  return (
    <div className="page">
      <div className="page-head">
        <h1>New experiment</h1>
      </div>
      <div className="page-body">{error ? <ErrorNotice error={error} /> : <Loading />}</div>
    </div>
  );
}

function FromAdapter({ name }: { name: string }) {
  const search = newRoute.useSearch();
  const query = useQuery(adaptersQuery());
  if (!query.data) return <Waiting error={query.error} />;
  const adapter = query.data.adapters.find((one) => one.name === name);
  const start = startText({
    adapter: name,
    project: search.project ?? PROJECT,
    dataset: undefined,
    target: undefined,
    ordered: adapter?.dataset?.ordered ?? false,
    task: undefined,
  });
  return (
    <Editor
      search={search}
      origin={`adapter.${name}.${search.project ?? ""}`}
      start={start}
      notes={[]}
      adapters={query.data.adapters}
    />
  );
}

function FromRun({ id }: { id: string }) {
  const search = newRoute.useSearch();
  const adapters = useQuery(adaptersQuery());
  const detail = useQuery(runQuery(id));
  if (!detail.data || !adapters.data) return <Waiting error={detail.error ?? adapters.error} />;
  const run = detail.data;
  const clone = cloneExperiment(run.snapshot.config, run.snapshot.origins, run.dataset);
  const recorded = clone.text !== "";
  const start = recorded
    ? clone.text
    : startText({
        adapter: run.adapter ?? "script",
        project: run.project,
        dataset: undefined,
        target: undefined,
        ordered: false,
        task: undefined,
      });
  const notes = recorded
    ? [RESOLVED_NOTE, ...clone.notes]
    : [`Run ${run.name} recorded no config: it was not started from an experiment file.`];
  return (
    <Editor
      search={search}
      origin={`run.${id}`}
      start={search.project ? writeAt(start, ["project"], search.project) : start}
      notes={notes}
      adapters={adapters.data.adapters}
    />
  );
}
