/** The dataset of an experiment: a registered one and its version, what is predicted, how it is split. */

import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { datasetQuery, datasetsQuery } from "~/api/queries";
import type { ConfigMistake } from "~/api/types";
import { readColumns } from "~/model/dataset";
import { asObject, asText, type Json, type JsonObject } from "~/model/json";
import { mistakesAt } from "~/model/launch";
import { field } from "~/model/schemaForm";
import { Field } from "./Field";

interface Props {
  values: JsonObject;
  mistakes: readonly ConfigMistake[];
  /** Whether rows stay in their order. */
  ordered: boolean;
  /** Whether paths can be used. */
  hasFolder: boolean;
  onChange: (path: readonly string[], value: Json | undefined) => void;
}

const SPLIT = ["dataset", "split"];
const TARGET = field("dataset.target", "text", { help: "the column or array that is predicted" });
const ID = field("dataset.id", "text", { help: "the column that names rows; without it, their position" });
const PATH = field("dataset.path", "text", { help: "a file or folder, from the experiment's folder" });
const SEED = field("dataset.split.seed", "integer", { fallback: 0, help: "which rows go where" });
const STRATIFY = field("dataset.split.stratify", "text", {
  help: "the column whose shares every part keeps",
});
const GROUP = field("dataset.split.group", "text", { help: "the column whose rows stay in one part" });
const PARTS = ["train", "validation", "test"];

type SplitKind = "none" | "random" | "ordered" | "files";

function splitKind(split: Json | undefined): SplitKind {
  const body = asObject(split);
  if ("files" in body) return "files";
  if ("order" in body) return "ordered";
  return split === undefined ? "none" : "random";
}

function startSplit(kind: SplitKind): Json | undefined {
  const fractions = { train: 0.8, test: 0.2 };
  if (kind === "random") return { seed: 0, fractions };
  if (kind === "ordered") return { fractions, order: ["train", "test"] };
  return kind === "files" ? { files: { train: "train.csv", test: "test.csv" } } : undefined;
}

export function DatasetSection(props: Props) {
  const dataset = asObject(props.values.dataset);
  const [name, version] = (asText(dataset.name) ?? "").split("@");
  const known = useQuery(datasetsQuery()).data?.datasets ?? [];
  const isKnown = known.some((one) => one.name === name);
  const detail = useQuery({
    ...datasetQuery(name ?? "", version ? Number(version) : undefined),
    enabled: isKnown,
  });
  const columns = isKnown ? readColumns(detail.data?.current.inspection).map((one) => one.name) : [];
  const common = { mistakes: props.mistakes, onChange: props.onChange };
  const choose = (next: string) => {
    if (next === "") return props.onChange(["dataset"], undefined);
    props.onChange(["dataset", "name"], next);
    if (dataset.split === undefined) props.onChange(SPLIT, startSplit(props.ordered ? "ordered" : "random"));
  };
  return (
    <div className="stack">
      <div className="field-grid">
        <NameField
          {...props}
          known={known.map((one) => one.name)}
          name={asText(dataset.name) ?? ""}
          choose={choose}
          versions={isKnown ? (detail.data?.versions.map((one) => one.version) ?? []) : []}
        />
        {(props.hasFolder || dataset.path !== undefined) && (
          <Field {...common} spec={PATH} value={dataset.path} />
        )}
        <Field {...common} spec={TARGET} value={dataset.target} suggestions={columns} />
        <Field {...common} spec={ID} value={dataset.id} suggestions={columns} />
      </div>
      <SplitFields {...props} split={dataset.split} columns={columns} />
    </div>
  );
}

function NameField(
  props: Props & { known: string[]; name: string; versions: number[]; choose: (name: string) => void },
) {
  const id = useId();
  const [bare, version] = props.name.split("@");
  const isKnown = props.known.includes(bare ?? "");
  // What concerns the whole dataset, such as that there is none, is said here.
  const wrong = props.mistakes.filter((one) => one.path === "dataset" || one.path === "dataset.name");
  return (
    <div className={`field ${props.name === "" ? "" : "changed"}`}>
      <div className="field-head">
        <label htmlFor={id}>dataset</label>
      </div>
      <div className="row">
        <select
          id={id}
          data-path="dataset.name"
          className="select grow"
          aria-invalid={wrong.length > 0}
          aria-describedby={`${id}-help ${id}-wrong`}
          value={bare}
          onChange={(event) => props.choose(event.target.value)}
        >
          <option value="">none</option>
          {props.known.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
          {bare !== "" && !isKnown && <option value={bare}>{bare} (not registered)</option>}
        </select>
        {isKnown && (
          <select
            className="select"
            aria-label="Version of the dataset"
            value={version ?? ""}
            onChange={(event) =>
              props.choose(event.target.value === "" ? `${bare}` : `${bare}@${event.target.value}`)
            }
          >
            <option value="">newest</option>
            {props.versions.map((one) => (
              <option key={one} value={one}>
                version {one}
              </option>
            ))}
          </select>
        )}
      </div>
      <p id={`${id}-wrong`} className="field-wrong small" aria-live="polite">
        {wrong.map((one) => one.message).join(" ")}
      </p>
      <p id={`${id}-help`} className="faint small">
        {props.known.length === 0 ? (
          <>
            None is registered yet: <code>mlhub dataset add FILE --name NAME</code>
          </>
        ) : (
          "a registered dataset; its content is checked against its fingerprint"
        )}
      </p>
    </div>
  );
}

function SplitFields(props: Props & { split: Json | undefined; columns: string[] }) {
  const id = useId();
  const kind = splitKind(props.split);
  const split = asObject(props.split);
  const common = { mistakes: props.mistakes, onChange: props.onChange };
  const wrong = props.mistakes.filter((one) => one.path === SPLIT.join("."));
  return (
    <fieldset className="field-set" aria-label="Split">
      <div className="field-grid">
        <div className="field">
          <div className="field-head">
            <label htmlFor={id}>split</label>
          </div>
          <select
            id={id}
            data-path="dataset.split"
            className="select"
            value={kind}
            aria-describedby={`${id}-wrong`}
            onChange={(event) => props.onChange(SPLIT, startSplit(event.target.value as SplitKind))}
          >
            <option value="none">everything to train on</option>
            <option value="random">at random, by shares</option>
            <option value="ordered">in the order of the rows, by shares</option>
            <option value="files">files that are split already</option>
          </select>
          <p id={`${id}-wrong`} className="field-wrong small" aria-live="polite">
            {wrong.map((one) => one.message).join(" ")}
          </p>
        </div>
        {(kind === "random" || kind === "ordered") && <Shares {...props} split={split} />}
        {kind === "random" && (
          <>
            <Field {...common} spec={SEED} value={split.seed} />
            <Field {...common} spec={STRATIFY} value={split.stratify} suggestions={props.columns} />
            <Field {...common} spec={GROUP} value={split.group} suggestions={props.columns} />
          </>
        )}
        {kind === "files" && <SplitFiles {...props} files={asObject(split.files)} />}
      </div>
    </fieldset>
  );
}

function SplitFiles(props: Props & { files: JsonObject }) {
  return Object.entries(props.files).map(([name, file]) => (
    <Field
      key={name}
      spec={field(`dataset.split.files.${name}`, "text", { name: `${name} file` })}
      value={file}
      mistakes={props.mistakes}
      onChange={props.onChange}
    />
  ));
}

/** The shares of the parts; a part without one is not made. */
function Shares(props: Props & { split: JsonObject }) {
  const id = useId();
  const fractions = asObject(props.split.fractions);
  const names = [...new Set([...PARTS, ...Object.keys(fractions)])];
  const wrong = mistakesAt(props.mistakes, [...SPLIT, "fractions"]);
  const set = (name: string, text: string) => {
    const share = text.trim() === "" ? undefined : Number(text);
    const next = names.flatMap((one) => {
      const value = one === name ? share : fractions[one];
      return value === undefined ? [] : [[one, Number.isNaN(value) ? text : value] as const];
    });
    props.onChange([...SPLIT, "fractions"], Object.fromEntries(next));
    if ("order" in props.split)
      props.onChange(
        [...SPLIT, "order"],
        next.map(([one]) => one),
      );
  };
  return (
    <div className="field changed">
      <div className="field-head">
        <span className="field-name" id={`${id}-name`}>
          shares
        </span>
        <span className="faint small">sum to 1</span>
      </div>
      <div className="row" role="group" aria-labelledby={`${id}-name`}>
        {names.map((name) => (
          <label key={name} className="split-share small">
            <span className="muted">{name}</span>
            <input
              className="input"
              inputMode="decimal"
              defaultValue={asShare(fractions[name])}
              key={`${name}-${asShare(fractions[name])}`}
              placeholder="–"
              data-path={name === "train" ? "dataset.split.fractions" : undefined}
              onBlur={(event) => {
                if (event.target.value !== asShare(fractions[name])) set(name, event.target.value);
              }}
              onKeyDown={(event) => {
                if (event.key === "Enter") set(name, event.currentTarget.value);
              }}
            />
          </label>
        ))}
      </div>
      <p className="field-wrong small" aria-live="polite">
        {wrong.map((one) => one.message).join(" ")}
      </p>
    </div>
  );
}

function asShare(value: Json | undefined): string {
  return value === undefined || value === null ? "" : String(value);
}
