/** The form of an experiment: what it is, its data, the adapter's params, how it is judged. */

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { projectsQuery } from "~/api/queries";
import type { AdapterView, ConfigMistake } from "~/api/types";
import { valueAt } from "~/model/experimentText";
import { asObject, type Json, type JsonObject } from "~/model/json";
import { field, findFields, flatFields, readForm, same } from "~/model/schemaForm";
import { DatasetSection } from "./DatasetSection";
import { Field, Fields } from "./Field";

interface Props {
  values: JsonObject;
  adapter: AdapterView | undefined;
  mistakes: readonly ConfigMistake[];
  hasFolder: boolean;
  onChange: (path: readonly string[], value: Json | undefined) => void;
}

const PROJECT = field("project", "text", { required: true, help: "where the runs are listed" });
const NAME = field("name", "text", { help: "of the experiment; runs of one name are compared by default" });
const SEEDS = field("seeds", "list", {
  fallback: [0],
  help: "one run for each; several make a group with mean and deviation",
});
const DESCRIPTION = field("description", "long", { help: "what is tried, and why" });
const TAGS = field("tags", "map", { fallback: {}, range: "name=value, name=value" });

const EVALUATION = [
  field("evaluation.metrics", "list", { help: "such as accuracy, log_loss; without: all of the task" }),
  field("evaluation.splits", "list", { help: "without: test, else all but train" }),
  field("evaluation.bootstrap.samples", "integer", { fallback: 1000, help: "for intervals; 0 for none" }),
  field("evaluation.positive_label", "text", { help: "the class that counts as positive" }),
];
const RESOURCES = [
  field("resources.timeout", "text", { help: "30s, 15m, 1h; without: none" }),
  field("resources.memory", "text", { help: "4GiB; past it the program is stopped" }),
  field("resources.cpus", "integer", { help: "told to the program" }),
  field("resources.gpus", "integer", { fallback: 0, help: "told to the program" }),
];

export function Section(props: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel" aria-label={props.title}>
      <header>
        <h2 className="grow">{props.title}</h2>
        {props.aside}
      </header>
      <div className="inside">{props.children}</div>
    </section>
  );
}

export function Form(props: Props) {
  const { values, adapter, mistakes, onChange } = props;
  const projects = useQuery(projectsQuery()).data?.projects ?? [];
  const common = { mistakes, onChange };
  const read = (path: readonly string[]) => valueAt(values, path);
  const task = field("evaluation.task", "choice", {
    options: adapter?.tasks ?? [],
    help: "without: found from the predictions",
  });
  return (
    <div className="stack">
      <Section title="Experiment">
        <div className="field-grid">
          <Field
            {...common}
            spec={PROJECT}
            value={values.project}
            suggestions={projects.map((one) => one.name)}
          />
          <Field {...common} spec={NAME} value={values.name} />
          <Field {...common} spec={SEEDS} value={values.seeds ?? seedList(values.seed)} />
          <Field {...common} spec={TAGS} value={values.tags} />
          <Field {...common} spec={DESCRIPTION} value={values.description} />
        </div>
      </Section>
      <Section title="Data">
        <DatasetSection {...props} ordered={adapter?.dataset?.ordered ?? false} />
      </Section>
      <ParamsSection {...props} read={read} />
      <Section title="Evaluation">
        <Fields {...common} specs={[task, ...EVALUATION]} read={read} />
      </Section>
      <Section title="Limits">
        <Fields {...common} specs={RESOURCES} read={read} />
      </Section>
    </div>
  );
}

/** `seed: 3` is `seeds: [3]` in another way. */
function seedList(seed: Json | undefined): Json | undefined {
  return seed === undefined ? undefined : [seed];
}

function ParamsSection(props: Props & { read: (path: readonly string[]) => Json | undefined }) {
  const { adapter, read } = props;
  const [text, setText] = useState("");
  const [changedOnly, setChangedOnly] = useState(false);
  const specs = readForm(adapter?.schema);
  const changed = flatFields(specs).filter((spec) => {
    const value = read(spec.path);
    return value !== undefined && !same(value, spec.fallback);
  });
  const found = findFields(changedOnly ? changed : specs, text);
  const open = asObject(adapter?.schema).additionalProperties === true;
  if (!adapter) return null;
  const aside = (
    <div className="row wrap">
      <button
        type="button"
        className="chip"
        aria-pressed={changedOnly}
        onClick={() => setChangedOnly((old) => !old)}
      >
        {changed.length} changed
      </button>
      <input
        className="input field-search"
        type="search"
        aria-label="Search params"
        placeholder={`Search ${flatFields(specs).length} params`}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </div>
  );
  return (
    <Section title={`Params of ${adapter.name}`} aside={aside}>
      {found.length === 0 ? (
        <p className="muted">{specs.length === 0 ? "This adapter has no params." : "No param fits."}</p>
      ) : (
        <Fields mistakes={props.mistakes} onChange={props.onChange} specs={found} read={read} />
      )}
      {open && (
        <p className="faint small field-note">
          Other params can be written in the text; the adapter passes them on.
        </p>
      )}
    </Section>
  );
}
